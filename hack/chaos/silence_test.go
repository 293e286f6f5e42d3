// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

func TestSilence(t *testing.T) {
	ready := func(status metav1.ConditionStatus, reason, message string) metav1.Condition {
		return metav1.Condition{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: message}
	}
	is := func(condition string) metav1.Condition {
		return metav1.Condition{Type: condition, Status: metav1.ConditionTrue}
	}
	for _, tt := range []struct {
		name       string
		conditions []metav1.Condition
		silent     bool
	}{
		{"none", nil, true},
		{"succeeded", []metav1.Condition{ready(metav1.ConditionTrue, v1alpha1.ReasonSucceeded, "done")}, false},
		{"worked on", []metav1.Condition{ready(metav1.ConditionUnknown, v1alpha1.ReasonQueued, "waits"), is(v1alpha1.ConditionReconciling)}, false},
		{"stalled", []metav1.Condition{ready(metav1.ConditionFalse, v1alpha1.ReasonInvalidImage, "no image"), is(v1alpha1.ConditionStalled)}, false},
		{"suspended", []metav1.Condition{ready(metav1.ConditionUnknown, v1alpha1.ReasonSuspended, "held back")}, false},
		{"neither", []metav1.Condition{ready(metav1.ConditionUnknown, v1alpha1.ReasonQueued, "waits")}, true},
		{"no sentence", []metav1.Condition{ready(metav1.ConditionUnknown, v1alpha1.ReasonQueued, ""), is(v1alpha1.ConditionReconciling)}, true},
	} {
		vg := &v1alpha1.VideoGeneration{}
		vg.Status.Conditions = tt.conditions
		if got := silenceOf(vg); (got != "") != tt.silent {
			t.Errorf("%s: it does not say %q, want silence %v", tt.name, got, tt.silent)
		}
	}
}

func TestFailuresHaveAnEvent(t *testing.T) {
	for _, tt := range []struct {
		name        string
		said        string
		lives       []lifeRecord
		outages     []outage
		silent      int
		unannounced int
	}{
		{"it was told", v1alpha1.ReasonGenerationFailed, nil, nil, 0, 0},
		{"something else was told", v1alpha1.ReasonQueued, nil, nil, 1, 0},
		{"a process ended then", v1alpha1.ReasonQueued, []lifeRecord{{ended: after(5), how: byKill}}, nil, 0, 1},
		{"a process ended long before", v1alpha1.ReasonQueued, []lifeRecord{{ended: after(-60), how: byKill}}, nil, 1, 0},
		{"the API server was away then", v1alpha1.ReasonQueued, nil, []outage{{from: after(-20), to: after(-10)}}, 0, 1},
		{"the API server was away long after", v1alpha1.ReasonQueued, nil, []outage{{from: after(60), to: after(70)}}, 1, 0},
	} {
		_, vg, e := one(plain)
		fail(vg, v1alpha1.ReasonGenerationFailed)
		e.keepBooks()
		e.tasks = nil
		e.events[vg.UID] = map[string]bool{tt.said: true}
		e.turns = map[types.UID]turn{vg.UID: {reason: v1alpha1.ReasonGenerationFailed, at: noon}}
		e.lives, e.outages = tt.lives, tt.outages
		if f := judge(e); len(f.silent) != tt.silent || f.unannounced != tt.unannounced {
			t.Errorf("%s: silent are %q, %d are not announced; want %d and %d", tt.name, f.silent, f.unannounced, tt.silent, tt.unannounced)
		}
	}
}
