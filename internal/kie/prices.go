// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import "github.com/kie-operator/kie-operator/internal/credits"

// Operation is what has a price.
type Operation string

// What has a price.
const (
	// OperationGenerate is something new: of Veo, a video in 720p, whatever its duration.
	OperationGenerate Operation = "Generate"
	// OperationExtend is a continuation.
	OperationExtend Operation = "Extend"
	// OperationUpgrade1080p and OperationUpgrade4K are the larger versions of a video.
	OperationUpgrade1080p Operation = "Upgrade1080p"
	OperationUpgrade4K    Operation = "Upgrade4K"
)

// Item is what is sold: an operation with a model.
type Item struct {
	// Model is the name of the model where a video is generated, such as "veo3_fast".
	Model     string
	Operation Operation
}

// Prices says what each item costs. The API does not tell its prices and has
// changed them before, so this is data and not a promise. What is not in it has
// no price: it may cost anything.
type Prices map[Item]credits.Amount

// Cheapest is the price of the cheapest thing that is sold by itself, which no
// upgrade is. Not ok means that nothing has a price.
func (p Prices) Cheapest() (price credits.Amount, ok bool) {
	for item, candidate := range p {
		if item.Operation != OperationGenerate && item.Operation != OperationExtend {
			continue
		}
		if !ok || candidate.Less(price) {
			price, ok = candidate, true
		}
	}
	return price, ok
}
