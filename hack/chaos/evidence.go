// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
)

// evidence is all that the oracle judges by.
type evidence struct {
	// videos are those that were applied, gone those of them that were deleted, again how often another purchase of
	// one was asked for.
	videos []video
	gone   map[types.NamespacedName]bool
	again  map[types.NamespacedName]int
	// resources are what the API server has at the end, departed what was deleted, as it was last.
	resources map[types.NamespacedName]*v1alpha1.VideoGeneration
	departed  map[types.UID]*v1alpha1.VideoGeneration
	// tasks and upgrades are what was paid for, arrivals the requests that have reached KIE.AI, by attempt.
	tasks    []bought
	upgrades []upgraded
	arrivals map[string]arrival
	// answers are how the callbacks of an attempt were answered; 0 for no answer. Those of muted ones got lost.
	answers map[string][]int
	muted   map[string]bool
	// files has the SHA-256 of what KIE.AI serves, by URL, stored that of what is stored, by URI.
	files, stored map[string]string
	// storing are the accounts, by namespace and name, whose videos are stored.
	storing map[types.NamespacedName]bool
	// picture is the SHA-256 of the image that is uploaded.
	picture string
	// books are what the accounts say that they have spent, budgets what they may spend in a period.
	books   map[string][]period
	budgets map[string]credits.Amount
	// writers are the processes that have begun an attempt, lives all processes there were, outages the times in
	// which they could not reach the API server.
	writers map[string]string
	lives   []lifeRecord
	outages []outage
	// turns has the present reason of each resource and when that was first seen, events the reasons of the Events
	// about it.
	turns  map[types.UID]turn
	events map[types.UID]map[string]bool
	// silent are the resources that did not say why they do not go on.
	silent []string
	// fullest is the largest number of submissions in any window, by account.
	fullest map[string]int
	// regressions are the resources that have left a final state.
	regressions []string
	// leaks are the secrets in logs.
	leaks []string
	// trouble is whatever else must not happen.
	trouble []string
}
