// Package terraform imports managed scaling from Terraform: .tf and .tf.json files and directories, and what `terraform show -json`
// prints of a plan or a state. Expressions are evaluated where everything they need is in the files: variables with defaults,
// locals, references, count, for_each, dynamic blocks, local modules and the functions that have no side effects.
//
// What cannot be known stands as [described.Unresolved] in the values, so that the reader can decide whether a label may stand
// for it or whether it has to be asked for.
package terraform
