// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// explainsWithin is how long after the last disturbance a resource that does not go on
// has to say why.
const explainsWithin = 2 * time.Minute

// silenceOf says what the conditions of a resource leave out; empty if nothing. They
// have to say why it is not ready, and whether it is at work or needs a person.
func silenceOf(vg *v1alpha1.VideoGeneration) string {
	ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		return "it has no condition Ready"
	case ready.Status == metav1.ConditionTrue:
		return ""
	case ready.Reason == "" || ready.Message == "":
		return fmt.Sprintf("Ready is %s without a reason or a sentence", ready.Status)
	case ready.Status == metav1.ConditionUnknown && ready.Reason == v1alpha1.ReasonSuspended:
		return ""
	case !meta.IsStatusConditionTrue(vg.Status.Conditions, v1alpha1.ConditionReconciling) &&
		!meta.IsStatusConditionTrue(vg.Status.Conditions, v1alpha1.ConditionStalled):
		return fmt.Sprintf("it is %s %s, and neither Reconciling nor Stalled", ready.Status, ready.Reason)
	default:
		return ""
	}
}

// judgeSilence checks that a resource that has not succeeded says why, in its
// conditions and in an Event. An Event is sent once: one that is lost with its
// process, or because the API server is away, is counted and is no violation.
func (f *findings) judgeSilence(v video, vg *v1alpha1.VideoGeneration, e evidence) {
	if hasSucceeded(vg) {
		return
	}
	_, reason := reasonOf(vg)
	said := e.events[vg.UID]
	switch silence := silenceOf(vg); {
	case silence != "":
		f.silent = append(f.silent, fmt.Sprintf("%s: %s", v, silence))
	case said[reason]:
	case cutShort(e.turns[vg.UID].at, e.lives, e.outages):
		f.unannounced++
	default:
		f.silent = append(f.silent, fmt.Sprintf("%s: there is no Event %s", v, reason))
	}
}

// cutShort reports whether a process has ended, or the API server was away, about
// when a resource was first seen with its reason. The watch may be behind then.
func cutShort(seen time.Time, lives []lifeRecord, outages []outage) bool {
	const before, after = 20 * time.Second, 10 * time.Second
	for _, life := range lives {
		if life.ended.After(seen.Add(-before)) && life.ended.Before(seen.Add(after)) {
			return true
		}
	}
	return slices.ContainsFunc(outages, func(o outage) bool {
		return o.from.Before(seen.Add(after)) && o.to.After(seen.Add(-watchAgain))
	})
}
