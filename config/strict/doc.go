// Package strict reads YAML that people write, strictly, and says of every mistake where it stands and
// what would be right.
//
// A [Decoder] parses one text. Each [Mapping] is emptied key by key with [Read] and [Need], and what is
// left when it is closed is unknown; all mistakes of a text are found at once. ${NAME} is replaced from
// the environment in every scalar. It knows nothing of what the keys mean.
package strict
