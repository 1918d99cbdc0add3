// Package dynamo keeps the state of any number of daemons in one DynamoDB table: memories, activities, decisions and
// delays by scope, and the leases that say which daemon steers which scope.
//
// Every commit is one or more transactions, each conditional on the lease of its scope: on its generation, so that a
// daemon that has lost the scope changes nothing, and on the commit before, so that a transaction whose outcome never
// came back cannot take effect behind a later one. docs/state.md has the items and what is guaranteed.
package dynamo
