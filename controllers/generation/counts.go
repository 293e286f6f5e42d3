// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import "github.com/kie-operator/kie-operator/internal/state"

// purchaseCounts are the counts of purchases in the status of a resource.
type purchaseCounts struct {
	// made are those that were made, or may have been.
	made int32
	// askedAgain are those of them that the user has asked for by name.
	askedAgain int32
}

// counts are those before the purchase that is to be made now. One that is known
// to have come to nothing does not count, though the status still says that it is
// being made.
func (l *scope) counts() purchaseCounts {
	c := purchaseCounts{made: l.vg.Status.Purchases, askedAgain: l.vg.Status.Resubmissions}
	if isUnbought(l) {
		c.made = max(c.made-1, 0)
	}
	return c
}

// withOneMore are the counts with the purchase that is to be made now.
func (c purchaseCounts) withOneMore(l *scope) purchaseCounts {
	c.made++
	if l.vg.Status.Task != nil && state.NeedsPurchase(l.vg) {
		c.askedAgain++
	}
	return c
}

// uncount takes a purchase that was not made out of the counts.
func (l *scope) uncount(p purchase) {
	l.vg.Status.Purchases, l.vg.Status.Resubmissions = p.before.made, p.before.askedAgain
}
