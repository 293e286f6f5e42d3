// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

// watches are about what each watch wakes, which is part of P3: a resource that could
// go on is reconciled again.
var watches = []mutant{
	{
		promise: "P3", name: "does not look at what has changed",
		file:   "controllers/generation/watches.go",
		before: "\t\twatch.Itself(&v1alpha1.VideoGeneration{}),\n\t\t{Of: &v1alpha1.VideoGeneration{}, Handler: paidFirst()},",
		after:  "\t\t{Of: &v1alpha1.VideoGeneration{}, Handler: paidFirst()},",
		tests:  "TestAPurchaseIsCountedAtOnce", in: "controllers",
	},
	{
		promise: "P3", name: "wakes nobody when a place is free",
		file:   "controllers/generation/watches.go",
		before: "\t\t{Of: &v1alpha1.VideoGeneration{}, Handler: r.wakeQueue()},\n",
		after:  "",
		tests:  "TestAFreePlaceWakesTheNext", in: "controllers",
	},
	{
		promise: "P3", name: "wakes nobody when a video at work is deleted",
		file:   "controllers/generation/watches.go",
		before: "\t\t\tif state.AtWork(gone) {\n\t\t\t\twake(ctx, gone, q)\n\t\t\t}\n",
		after:  "",
		tests:  "TestAFreePlaceWakesTheNext", in: "controllers",
	},
	{
		promise: "P3", name: "wakes no extension when its source is finished",
		file:   "controllers/generation/watches.go",
		before: "\t\t{Of: &v1alpha1.VideoGeneration{}, Handler: handler.EnqueueRequestsFromMapFunc(r.extensionsOf)},\n",
		after:  "",
		tests:  "TestAFinishedSourceWakesItsExtension", in: "controllers",
	},
	{
		promise: "P3", name: "wakes nobody when an account changes",
		file:   "controllers/generation/watches.go",
		before: "\t\t{Of: &v1alpha1.KieAccount{}, Handler: r.wakeAccount()},\n",
		after:  "",
		tests:  "TestAnAccountWakesWhoWaitsForIt", in: "controllers",
	},
	{
		promise: "P3", name: "wakes nobody when an account becomes ready",
		file:   "controllers/generation/watches.go",
		before: "before.Generation != after.Generation || !equality.Semantic.DeepEqual(ready(before), ready(after)) {",
		after:  "before.Generation != after.Generation || (false && equality.Semantic.DeepEqual(ready(before), ready(after))) {",
		tests:  "TestAnAccountWakesWhoWaitsForIt", in: "controllers",
	},
	{
		promise: "P3", name: "wakes no resubmission on another account",
		file:   "controllers/generation/watches.go",
		before: "case state.NeedsPurchase(vg) || state.RetryPending(vg):",
		after:  "case false:",
		tests:  "TestAnotherAccountBuysAgain", in: "controllers",
	},
	{
		promise: "P3", name: "does not store what is finished",
		file:   "controllers/storage/watches.go",
		before: "return o.(*v1alpha1.VideoGeneration).Status.Storage != nil || controllerutil.ContainsFinalizer(o, v1alpha1.FinalizerStoredVideos)",
		after:  "return controllerutil.ContainsFinalizer(o, v1alpha1.FinalizerStoredVideos)",
		tests:  "TestStorageIsTriedWhenItIsCorrected", in: "controllers",
	},
	{
		promise: "P3", name: "tries no storage again that was corrected",
		file:   "controllers/storage/watches.go",
		before: "Handler: handler.EnqueueRequestsFromMapFunc(r.storedWith), Predicates",
		after:  "Handler: handler.Funcs{}, Predicates",
		tests:  "TestStorageIsTriedWhenItIsCorrected", in: "controllers",
	},
	{
		promise: "P3", name: "lets go of nothing that is deleted",
		file:   "controllers/storage/watches.go",
		before: "return !o.GetDeletionTimestamp().IsZero() })",
		after:  "return o.GetDeletionTimestamp().IsZero() })",
		tests:  "TestStorageIsTriedWhenItIsCorrected", in: "controllers",
	},
	{
		promise: "P3", name: "counts no purchase before the account is looked at",
		file:   "controllers/account/watches.go",
		before: "\t\t{Of: &v1alpha1.VideoGeneration{}, Handler: recountAccounts()},\n",
		after:  "",
		tests:  "TestAPurchaseIsCountedAtOnce", in: "controllers",
	},
}
