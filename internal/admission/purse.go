// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"cmp"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// purse is what an account can pay: its balance, as KIE.AI said it last, less what
// the balance may not show yet and what will be bought for sure.
type purse struct {
	// balance is nil until KIE.AI was asked, which was at askedAt.
	balance *credits.Amount
	askedAt time.Time
	// unsettled counts, by their price, the purchases that the balance may not show.
	unsettled map[credits.Amount]int
	// answered are those of them that had their answer.
	answered *ranked[payment]
	// due counts the upgrades that are to be bought. Each costs what prices says.
	due    map[upgrade]int
	prices kie.Prices
	// short are the candidates that the balance was too low for, the cheapest first.
	short *ranked[shortage]
}

// payment is a purchase that was answered, by its attempt, and its price.
type payment struct {
	moment
	price credits.Amount
}

// shortage is what has to be available until it is worth a candidate's while to ask
// again.
type shortage struct {
	needs credits.Amount
	uid   types.UID
}

func newPurse() *purse {
	return &purse{
		unsettled: map[credits.Amount]int{}, due: map[upgrade]int{},
		answered: newRanked(func(a, b payment) int { return compareMoments(a.moment, b.moment) }),
		short: newRanked(func(a, b shortage) int {
			if d := a.needs.Cmp(b.needs); d != 0 {
				return d
			}
			return cmp.Compare(a.uid, b.uid)
		}),
	}
}

// available is what may be spent; ok is false while the balance is not known. The
// sums are made anew each time: there are few different prices, and amounts have a
// bound at which a running sum would lose what is beyond it.
func (p *purse) available() (sum credits.Amount, ok bool) {
	if p.balance == nil {
		return credits.Amount{}, false
	}
	sum = *p.balance
	for price, n := range p.unsettled {
		sum = sum.Minus(price.Times(n))
	}
	for what, n := range p.due {
		sum = sum.Minus(p.priceOf(what).Times(n))
	}
	return sum, true
}

// priceOf is what an upgrade costs. One without a price is not asked for, and costs
// nothing.
func (p *purse) priceOf(what upgrade) credits.Amount {
	vg := v1alpha1.VideoGeneration{Spec: v1alpha1.VideoGenerationSpec{Model: what.model, Resolution: what.resolution}}
	price, ok := accounts.UpgradePrice(&vg, p.prices)
	if !ok {
		return credits.Amount{}
	}
	return price
}

// count changes how often something is there.
func count[T comparable](counts map[T]int, what T, by int) {
	if counts[what] += by; counts[what] == 0 {
		delete(counts, what)
	}
}

// settle notes the balance as KIE.AI said it when it was asked at a time: it shows
// what was answered before that.
func (p *purse) settle(balance credits.Amount, asked time.Time) {
	if asked.Before(p.askedAt) {
		return // the last word counts
	}
	p.balance, p.askedAt = &balance, asked
	for first, ok := p.answered.first(); ok && first.at.Before(asked); first, ok = p.answered.first() {
		p.drop(first)
	}
}

// drop stops to count an answered purchase, if it still counts.
func (p *purse) drop(paid payment) {
	if p.answered.remove(paid) {
		count(p.unsettled, paid.price, -1)
	}
}
