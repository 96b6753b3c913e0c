// Go's library of the Merkle trees of RFC 9162, pinned by its hash in go.sum.
module ppuri.test/ops/receipts

go 1.26.0

require github.com/transparency-dev/merkle v0.0.2
