// Package lease shares the clusters of one configuration out between the daemons that run it, so that each cluster is
// steered by exactly one of them, and by another within [Within] when that one dies.
//
// A lease is an item with an owner and a generation. Its owner keeps it by a heartbeat of its own, one for all its
// leases; whoever finds that a heartbeat has not moved for [Expiry], measured on the finder's own clock and only while
// it could see, takes the lease by a write conditional on its generation. What the old owner still tries fails, because
// each of its commits has the old generation as its condition (store.Fence). No clocks are compared, and nothing is
// decided by when DynamoDB removes expired items.
package lease
