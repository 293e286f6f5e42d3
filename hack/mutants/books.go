// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// books are about what an account has spent: its numbers, its periods, and which
// account it is.
var books = []mutant{
	{
		promise: "P1", name: "begins a period again when a clock goes back",
		file:   "internal/accounts/budget.go",
		before: "since != nil && since.After(start) {",
		after:  "since != nil && since.After(start) && false {",
		tests:  "TestAPeriodBeginsOnce", in: "controllers",
	},
	{
		promise: "P1", name: "keeps the refusals of an account that is gone",
		file:   "internal/admission/spending.go",
		before: "if a := l.accounts[key]; a != nil && a.uid != \"\" && a.uid != account.UID {",
		after:  "if a := l.accounts[key]; a != nil && false {",
		tests:  "TestBooksAreOfOneAccount",
	},
	{
		promise: "P1", name: "counts what an earlier account of the name has bought",
		file:   "internal/admission/spending.go",
		before: " || boughtByAnother(past, account) {",
		after:  " {",
		tests:  "TestBooksAreOfOneAccount",
	},
	{
		promise: "P1", name: "gives an account back what an earlier one has spent",
		file:   "controllers/generation/budget.go",
		before: "case apierrors.IsNotFound(err), err == nil && live.UID != account.UID:",
		after:  "case apierrors.IsNotFound(err):",
		tests:  "TestARefundAfterTheAccountWasCreatedAgain", in: "controllers",
	},
	{
		promise: "P1", name: "books on an account what an earlier one has bought",
		file:   "controllers/generation/budget.go",
		before: "if buyer.IsReplacedBy(account) || l.known.booked[what] {",
		after:  "if l.known.booked[what] {",
		tests:  "TestThePriceDiffersAfterTheAccountWasCreatedAgain", in: "controllers",
	},
	{
		promise: "P1", name: "forgets what an earlier process has spent",
		file:   "controllers/account/controller.go",
		before: "c := counts{unread: r.Ledger.Recover(account, view.Items)}",
		after:  "var c counts",
		tests:  "TestWhatWasSpentOutlivesTheProcess", in: "controllers",
	},
	{
		promise: "P1", name: "takes unreadable books for empty ones",
		file:   "internal/accounts/budget.go",
		before: "\tif err != nil {\n\t\treturn Unreadable(account, err)\n\t}\n\tspent := ",
		after:  "\t_ = err\n\tspent := ",
		tests:  "TestTheBooksAreReadBeforeThePurchase", in: "controllers",
	},
	{
		promise: "P1", name: "takes unreadable creditsSpent for 0",
		file:   "internal/accounts/budget.go",
		before: "return ReadCredits(\"status.creditsSpent\", spent, CorrectStatus)",
		after:  "amount, _ := ReadCredits(\"status.creditsSpent\", spent, CorrectStatus)\n\t\treturn amount, nil",
		tests:  "TestUnreadableBooksHoldPurchases", in: "controllers",
	},
	{
		promise: "P1", name: "takes an unreadable price for 0",
		file:   "internal/accounts/prices.go",
		before: "\t\tif err != nil {\n\t\t\treturn nil, err\n\t\t}\n\t\tprices[",
		after:  "\t\t_ = err\n\t\tprices[",
		tests:  "TestAnUnreadablePriceHoldsPurchases", in: "controllers",
	},
	{
		promise: "P1", name: "buys though it cannot read what an earlier process has spent",
		file:   "internal/admission/spending.go",
		before: "\tb.unread = err != nil\n",
		after:  "\tb.unread = false\n",
		tests:  "TestRecoverReadsWhatPurchasesHaveCost",
	},
	{
		promise: "P1", name: "forgets what was charged while the books could not be read",
		file:   "controllers/account/controller.go",
		before: "\tif noted {\n\t\tr.Ledger.Booked(identity, through)\n\t}\n",
		after:  "\tr.Ledger.Booked(identity, through)\n",
		tests:  "TestWhatIsChargedMeanwhileIsBookedLater", in: "controllers",
	},
	{
		promise: "P1", name: "does not book what KIE.AI charged beyond the table",
		file:   "controllers/generation/observe.go",
		before: "booked.Less(charged) {",
		after:  "booked.Less(charged) && false {",
		tests:  "TestThePriceDiffers", in: "controllers",
	},
	{
		promise: "P8", name: "believes any number of credits",
		file:   "internal/credits/amount.go",
		before: "if math.IsNaN(number) || math.Abs(number) > most {",
		after:  "if math.IsNaN(number) {",
		tests:  "TestFromFloat",
	},
	{
		promise: "P1", name: "books again what a failed write made it do again",
		file:   "controllers/generation/budget.go",
		before: "if buyer.IsReplacedBy(account) || l.known.booked[what] {",
		after:  "if buyer.IsReplacedBy(account) {",
		tests:  "TestADifferenceIsBookedOnce", in: "controllers",
	},
	{
		promise: "P1", name: "compares what was charged with the price table of today",
		file:   "controllers/generation/observe.go",
		before: "booked.Less(charged) {",
		after:  "price.Less(charged) {\n\t\tbooked = price",
		tests:  "TestThePriceIsCorrectedWhileATaskIsAtWork", in: "controllers",
	},
	{
		promise: "P1", name: "begins a period at a fraction of a second",
		file:   "internal/accounts/budget.go",
		before: "budget.Period.Truncate(time.Second)",
		after:  "budget.Period.Duration",
		tests:  "TestABudgetOfAnOddPeriod", in: "controllers",
	},
	{
		promise: "P1", name: "spends from an account that was suspended since",
		file:   "controllers/generation/budget.go",
		before: "case e.bounded && state.IsAccountSuspended(account): // since it was admitted",
		after:  "case false: // since it was admitted",
		tests:  "TestAnAccountIsSuspendedAtTheLastMoment", in: "controllers",
	},
	{
		promise: "P1", name: "leaves a purchase in the books that was taken back while they were written",
		file:   "internal/admission/spending.go",
		before: "if i >= 0 && !b.unnoted[i].at.Before(b.noting) {",
		after:  "if i >= 0 {",
		tests:  "TestAPurchaseIsTakenBackWhileItIsNoted",
	},
}
