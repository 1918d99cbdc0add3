// Package config reads what the user writes: strict YAML in, validated values out.
//
// [Read] finds the text, [Parse] turns it into a [Config] or into every mistake it holds, each
// with file, line, column and what would be right. [Config.Select] picks the entry for a service
// and [Target.Bind] makes the evaluator's target of it, with every default filled in.
//
// Attribute names are those of the AWS API in snake_case; the rules are AWS's (aws-semantics.md).
package config
