// Checks roots and proofs with Go's library of RFC 9162 trees: its own tree has the same, and its verifiers accept them, changed ones not.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
)

// The proofs of a log. What is bytes here is base64 in JSON.
type input struct {
	Leaves    []string `json:"leaves"`
	Inclusion []struct {
		Index uint64   `json:"index"`
		Size  uint64   `json:"size"`
		Root  []byte   `json:"root"`
		Proof [][]byte `json:"proof"`
	} `json:"inclusion"`
	Consistency []struct {
		From     uint64   `json:"from"`
		To       uint64   `json:"to"`
		FromRoot []byte   `json:"from_root"`
		ToRoot   []byte   `json:"to_root"`
		Proof    [][]byte `json:"proof"`
	} `json:"consistency"`
}

var hasher = rfc6962.DefaultHasher

func main() {
	log.SetFlags(0)
	var given input
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&given); err != nil {
		log.Fatal(err)
	}
	tree := testonly.New(hasher)
	for _, text := range given.Leaves {
		tree.AppendData([]byte(text))
	}
	refused := 0
	for _, c := range given.Inclusion {
		own, err := tree.InclusionProof(c.Index, c.Size)
		refused += check{
			name:   fmt.Sprintf("leaf %d of %d", c.Index, c.Size),
			isSame: err == nil && slices.EqualFunc(own, c.Proof, bytes.Equal) && bytes.Equal(tree.HashAt(c.Size), c.Root),
			// The numbers, and what belongs to each of them: the hash of the leaf, and the root.
			numbers: [2]uint64{c.Index, c.Size},
			hashes:  [2][]byte{tree.LeafHash(c.Index), c.Root},
			proof:   c.Proof,
			verify: func(n [2]uint64, h [2][]byte, p [][]byte) error {
				return proof.VerifyInclusion(hasher, n[0], n[1], h[0], p, h[1])
			},
			// The same leaf in the next place, and the root of the next size.
			next: [2][]byte{tree.LeafHash(c.Index), tree.HashAt(c.Size + 1)},
		}.run()
	}
	for _, c := range given.Consistency {
		own, err := tree.ConsistencyProof(c.From, c.To)
		isSame := err == nil && slices.EqualFunc(own, c.Proof, bytes.Equal)
		refused += check{
			name:    fmt.Sprintf("%d to %d", c.From, c.To),
			isSame:  isSame && bytes.Equal(tree.HashAt(c.From), c.FromRoot) && bytes.Equal(tree.HashAt(c.To), c.ToRoot),
			numbers: [2]uint64{c.From, c.To},
			hashes:  [2][]byte{c.FromRoot, c.ToRoot},
			proof:   c.Proof,
			verify: func(n [2]uint64, h [2][]byte, p [][]byte) error {
				return proof.VerifyConsistency(hasher, n[0], n[1], p, h[0], h[1])
			},
			next: [2][]byte{tree.HashAt(c.From + 1), tree.HashAt(c.To + 1)},
		}.run()
	}
	fmt.Printf("%d proofs of inclusion, %d of consistency, %d changed ones refused\n",
		len(given.Inclusion), len(given.Consistency), refused)
}

// A proof between two numbers that each have a hash, and what takes the place of the hash where a number is one more.
type check struct {
	name    string
	isSame  bool
	numbers [2]uint64
	hashes  [2][]byte
	proof   [][]byte
	verify  func(numbers [2]uint64, hashes [2][]byte, proof [][]byte) error
	next    [2][]byte
}

// Ends the program where the proof is refused, or a changed one is not. Returns how many changed ones were refused.
func (c check) run() int {
	if err := c.verify(c.numbers, c.hashes, c.proof); err != nil {
		log.Fatalf("%s: %v", c.name, err)
	}
	if !c.isSame {
		log.Fatalf("%s: the library's own roots and proof are others", c.name)
	}
	refused := 0
	refuse := func(what string, numbers [2]uint64, hashes [2][]byte, proof [][]byte) {
		if c.verify(numbers, hashes, proof) == nil {
			log.Fatalf("%s: accepted with %s", c.name, what)
		}
		refused++
	}
	for at := range c.proof {
		changed := slices.Clone(c.proof)
		changed[at] = c.flipped(changed[at])
		refuse("a byte of the proof changed", c.numbers, c.hashes, changed)
	}
	for at := range c.hashes {
		numbers, hashes := c.numbers, c.hashes
		hashes[at] = c.flipped(hashes[at])
		refuse("a byte of a root or leaf changed", numbers, hashes, c.proof)
		numbers[at], hashes[at] = numbers[at]+1, c.next[at]
		refuse("another number", numbers, hashes, c.proof)
	}
	refuse("a hash too much", c.numbers, c.hashes, slices.Concat(c.proof, [][]byte{c.hashes[1]}))
	if last := len(c.proof) - 1; last >= 0 {
		refuse("a hash too few", c.numbers, c.hashes, c.proof[:last])
	}
	return refused
}

// A copy of a hash with one byte changed, which depends on the numbers.
func (c check) flipped(hash []byte) []byte {
	changed := bytes.Clone(hash)
	changed[(c.numbers[0]+c.numbers[1])%uint64(len(hash))] ^= 0x10
	return changed
}
