// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// refused are about purchases that KIE.AI says it refuses, and makes all the same.
var refused = []mutant{
	{
		promise: "P1", name: "forgets a purchase that KIE.AI refused",
		file:   "controllers/generation/refused.go",
		before: "l.vg.Status.RefusedAttempts = kept[max(len(kept)-maxRefusedAttempts, 0):]",
		after:  "_ = kept",
		tests:  "TestARefusedPurchaseIsMadeAllTheSame", in: "controllers",
	},
	{
		promise: "P1", name: "takes a refused purchase over for nothing",
		file:   "controllers/generation/refused.go",
		before: "account: account, price: price})",
		after:  "account: account, price: price.Minus(price)})",
		tests:  "TestARefusedPurchaseKeepsItsPrice", in: "controllers",
	},
	{
		promise: "P1", name: "buys again though a callback came for what it took for refused",
		file:   "controllers/generation/admit.go",
		before: " && !state.CalledBack(l.vg) &&\n",
		after:  " &&\n",
		tests:  "TestARefusedPurchaseIsBookedOnce", in: "controllers",
	},
	{
		promise: "P2", name: "checks the callback of a refused purchase with the key of another account",
		file:   "internal/callback/addressee.go",
		before: "account: cmp.Or(a.Account, vg.Status.Account)}, true",
		after:  "account: cmp.Or(vg.Status.Account, a.Account)}, true",
		tests:  "TestARefusedPurchaseOfAnotherAccount", in: "controllers",
	},
	{
		promise: "P2", name: "asks another account about a refused purchase",
		file:   "controllers/generation/refused.go",
		before: "payer := cmp.Or(refused.Account, l.vg.Status.Account)",
		after:  "payer := cmp.Or(l.vg.Status.Account, refused.Account)",
		tests:  "TestARefusedPurchaseOfAnotherAccount", in: "controllers",
	},
	{
		promise: "P1", name: "buys again while a refused purchase that was called back for cannot be checked",
		file:   "controllers/generation/refused.go",
		before: "if l.heldByRefused(refused, trouble) {",
		after:  "if l.heldByRefused(refused, trouble) && r.mayBeLate(refused) {",
		tests:  "TestTheAccountOfARefusedPurchaseIsGone", in: "controllers",
	},
	{
		promise: "P1", name: "takes one word for the end of a refused purchase",
		file:   "controllers/generation/refused.go",
		before: "case saysNothing(record) && (!c.confirmed(r.Clock.Now()) || r.mayBeLate(refused)):",
		after:  "case saysNothing(record) && r.mayBeLate(refused):",
		tests:  "TestOneAnswerDoesNotEndARefusedPurchase", in: "controllers",
	},
	{
		promise: "P6", name: "lets a refused purchase that is being asked about stand in the queue",
		file:   "internal/state/facts.go",
		before: " && !calledBack && ",
		after:  " && (calledBack || !calledBack) && ",
		tests:  "TestARefusedPurchaseIsInNobodysWay", in: "controllers",
	},
	{
		promise: "P2", name: "lets a callback take the place of one that was not followed",
		file:   "internal/callback/mailbox.go",
		before: "case last != nil && last.Attempt != attempt && awaited(vg, last):",
		after:  "case last != nil && last.Attempt != attempt && awaited(vg, last) && false:",
		tests:  "TestARoomForOneReceipt",
	},
	{
		promise: "P1", name: "forgets a refused purchase when the next callback comes",
		file:   "internal/state/facts.go",
		before: "a.TaskID, a.CalledBackAt = receipt.TaskID, &receipt.ReceivedAt",
		after:  "_ = a",
		tests:  "TestTwoRefusedPurchasesAreMade", in: "controllers",
	},
	{
		promise: "P3", name: "deletes what a refused purchase is asked about for",
		file:   "internal/state/finished.go",
		before: "calledBack || vg.Spec.TTLSecondsAfterFinished == nil",
		after:  "(calledBack && false) || vg.Spec.TTLSecondsAfterFinished == nil",
		tests:  "TestWhatIsAskedAboutIsNotDeleted",
	},
	{
		promise: "P6", name: "does not say why a refused purchase cannot be asked about",
		file:   "controllers/generation/refused.go",
		before: "\tif trouble.Message != \"\" {\n",
		after:  "\ttrouble = state.Wait{}\n\tif trouble.Message != \"\" {\n",
		tests:  "TestWhyARefusedPurchaseIsNotConfirmed", in: "controllers",
	},
}
