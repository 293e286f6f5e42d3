// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// bursts are about many callbacks at once, and about attempts that the cache does not
// have.
var bursts = []mutant{
	{
		promise: "P2", name: "says that nobody has an attempt before it is known",
		file:   "internal/callback/find.go",
		before: "if proof.holds {",
		after:  "if proof.done != nil {",
		tests:  "TestAnAttemptThatTheCacheDoesNotHave",
	},
	{
		promise: "P2", name: "refuses for good what it cannot tell",
		file:   "internal/callback/find.go",
		before: "\t\treturn nil, cacheBehind\n\t}\n\tseen",
		after:  "\t\treturn nil, unknownToken\n\t}\n\tseen",
		tests:  "TestAnAttemptThatTheCacheDoesNotHave",
	},
	{
		promise: "P2", name: "takes a cache that is behind for one that is not",
		file:   "internal/callback/proof.go",
		before: "return reaches(s.version(), needed)",
		after:  "return needed != \"\"",
		tests:  "TestWhetherACacheIsBehind",
	},
	{
		promise: "P2", name: "admits what it cannot answer in time",
		file:   "internal/callback/line.go",
		before: "l.places == l.limit || l.expected() > patience",
		after:  "l.places == l.limit",
		tests:  "TestALineHasThePlacesThatItCanServe",
	},
	{
		promise: "P2", name: "takes the last of a burst first",
		file:   "internal/callback/line.go",
		before: "l.waiting.PushBack(t)",
		after:  "l.waiting.PushFront(t)",
		tests:  "TestABurstIsTakenInOrder",
	},
	{
		promise: "P2", name: "drops a connection that waits for the operator",
		file:   "internal/listen/listener.go",
		before: "\tc.stay()\n\treturn n, err\n",
		after:  "\treturn n, err\n",
		tests:  "TestAConnectionIsNotDroppedForOurSlowness",
	},
	{
		promise: "P2", name: "asks the API server for what the watch is about to bring",
		file:   "internal/callback/find.go",
		before: "context.WithTimeout(ctx, h.unseenGrace)",
		after:  "context.WithTimeout(ctx, 0*h.unseenGrace)",
		tests:  "TestTheWatchBringsTheAttempt",
	},
}
