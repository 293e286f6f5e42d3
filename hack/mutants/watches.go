// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// What each watch wakes is part of P3: whoever could go on is looked at again.
var watches = []mutant{
	{
		promise: "P3", name: "does not look at what has changed",
		file:   "controllers/watches.go",
		before: "\t\titself(&v1alpha1.VideoGeneration{}),\n\t\t{of: &v1alpha1.VideoGeneration{}, handler: paidFirst()},",
		after:  "\t\t{of: &v1alpha1.VideoGeneration{}, handler: paidFirst()},",
		tests:  "TestAPurchaseIsCountedAtOnce",
	},
	{
		promise: "P3", name: "wakes nobody when a place is free",
		file:   "controllers/watches.go",
		before: "\t\t{of: &v1alpha1.VideoGeneration{}, handler: r.wakeQueue()},\n",
		after:  "",
		tests:  "TestAFreePlaceWakesTheNext",
	},
	{
		promise: "P3", name: "wakes nobody when a video at work is deleted",
		file:   "controllers/watches.go",
		before: "\t\t\tif atWork(gone) {\n\t\t\t\twake(ctx, gone, q)\n\t\t\t}\n",
		after:  "",
		tests:  "TestAFreePlaceWakesTheNext",
	},
	{
		promise: "P3", name: "wakes no extension when its source is finished",
		file:   "controllers/watches.go",
		before: "\t\t{of: &v1alpha1.VideoGeneration{}, handler: handler.EnqueueRequestsFromMapFunc(r.extensionsOf)},\n",
		after:  "",
		tests:  "TestAFinishedSourceWakesItsExtension",
	},
	{
		promise: "P3", name: "wakes nobody when an account changes",
		file:   "controllers/watches.go",
		before: "\t\t{of: &v1alpha1.KieAccount{}, handler: r.wakeAccount()},\n",
		after:  "",
		tests:  "TestAnAccountWakesWhoWaitsForIt",
	},
	{
		promise: "P3", name: "wakes nobody when an account becomes ready",
		file:   "controllers/watches.go",
		before: "before.Generation != after.Generation || !equality.Semantic.DeepEqual(ready(before), ready(after)) {",
		after:  "before.Generation != after.Generation || (false && equality.Semantic.DeepEqual(ready(before), ready(after))) {",
		tests:  "TestAnAccountWakesWhoWaitsForIt",
	},
	{
		promise: "P3", name: "wakes no resubmission on another account",
		file:   "controllers/watches.go",
		before: "case needsPurchase(vg) || retryPending(vg):",
		after:  "case false:",
		tests:  "TestAnotherAccountBuysAgain",
	},
	{
		promise: "P3", name: "does not store what is finished",
		file:   "controllers/watches.go",
		before: "return o.(*v1alpha1.VideoGeneration).Status.Storage != nil || controllerutil.ContainsFinalizer(o, v1alpha1.FinalizerStoredVideos)",
		after:  "return controllerutil.ContainsFinalizer(o, v1alpha1.FinalizerStoredVideos)",
		tests:  "TestStorageIsTriedWhenItIsCorrected",
	},
	{
		promise: "P3", name: "tries no storage again that was corrected",
		file:   "controllers/watches.go",
		before: "\t\t{of: &v1alpha1.KieAccount{}, handler: handler.EnqueueRequestsFromMapFunc(r.storedWith), predicates: []predicate.Predicate{predicate.GenerationChangedPredicate{}}},\n",
		after:  "",
		tests:  "TestStorageIsTriedWhenItIsCorrected",
	},
	{
		promise: "P3", name: "lets go of nothing that is deleted",
		file:   "controllers/watches.go",
		before: "return !o.GetDeletionTimestamp().IsZero() })",
		after:  "return o.GetDeletionTimestamp().IsZero() })",
		tests:  "TestStorageIsTriedWhenItIsCorrected",
	},
	{
		promise: "P3", name: "counts no purchase before the account is looked at",
		file:   "controllers/watches.go",
		before: "\t\t{of: &v1alpha1.VideoGeneration{}, handler: recountAccounts()},\n",
		after:  "",
		tests:  "TestAPurchaseIsCountedAtOnce",
	},
}
