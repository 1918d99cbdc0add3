// Package dynamo is DynamoDB as far as a program needs it that keeps its state there: tables with a partition key and
// perhaps a sort key, items, expressions, batches, transactions, time to live, and the capacity units that it all costs.
//
// It follows the API reference and the developer guide of DynamoDB (API dynamodb_20120810). It has no clock, no network
// and no dice of its own: Store.Do takes a decoded request and the time, and returns a tree that package wire writes.
package dynamo
