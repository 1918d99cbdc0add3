// Package cloudformation imports managed scaling from a template of CloudFormation, YAML with short or long intrinsic functions,
// or JSON. Parameters have their defaults or what --var gives; what only a stack knows stands as [described.Unresolved].
package cloudformation
