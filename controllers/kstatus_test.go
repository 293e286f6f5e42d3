// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// stored reads a resource as tools do, which know nothing of its type.
func (w *world) stored(kind, name string) *unstructured.Unstructured {
	w.t.Helper()
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	w.must(w.live.Get(w.t.Context(), types.NamespacedName{Namespace: w.namespace, Name: name}, u))
	return u
}

// wantKstatus asserts what tools make of a stored resource.
func (w *world) wantKstatus(kind, name string, want status.Status) {
	w.t.Helper()
	if u := w.stored(kind, name); fixture.KstatusOf(w.t, u) != want {
		w.t.Errorf("%s %s: kstatus is %s, want %s; its status is %v", kind, name, fixture.KstatusOf(w.t, u), want, u.Object["status"])
	}
}

func TestKstatusThroughALife(t *testing.T) {
	const kind = "VideoGeneration"
	for _, tt := range []struct {
		name    string
		markers string
		faults  kiesim.Faults
		// early is the reason of Ready while it is in flight, end and endReason what becomes of it.
		early     string
		end       metav1.ConditionStatus
		endReason string
	}{
		{name: "success", early: v1alpha1.ReasonGenerating, end: metav1.ConditionTrue, endReason: v1alpha1.ReasonSucceeded},
		{name: "refused prompt", markers: "[sim:fail=400]", early: v1alpha1.ReasonGenerating, end: metav1.ConditionFalse, endReason: v1alpha1.ReasonContentRejected},
		{name: "failure", markers: "[sim:fail=501]", early: v1alpha1.ReasonGenerating, end: metav1.ConditionFalse, endReason: v1alpha1.ReasonGenerationFailed},
		{name: "time is over", markers: "[sim:never-finish]", early: v1alpha1.ReasonGenerating, end: metav1.ConditionFalse, endReason: v1alpha1.ReasonTimedOut},
		{name: "lost for good", markers: "[sim:accept-then=drop] [sim:callback=never]", early: v1alpha1.ReasonSubmitting, end: metav1.ConditionFalse, endReason: v1alpha1.ReasonSubmissionUnknown},
		{name: "lost and found", markers: "[sim:accept-then=drop]", early: v1alpha1.ReasonSubmitting, end: metav1.ConditionTrue, endReason: v1alpha1.ReasonSucceeded},
		{name: "too fast", faults: kiesim.Faults{Submit: 429}, early: "RateLimited", end: metav1.ConditionTrue, endReason: v1alpha1.ReasonSucceeded},
		{name: "maintenance", faults: kiesim.Faults{Submit: 455}, early: "Maintenance", end: metav1.ConditionTrue, endReason: v1alpha1.ReasonSucceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, worldOptions{})
			w.create("video", prompt(tt.markers))
			w.sim.SetFaults(tt.faults)
			w.pass(0)
			w.wantReady("video", metav1.ConditionUnknown, tt.early)
			w.wantKstatus(kind, "video", status.InProgressStatus)

			w.sim.SetFaults(kiesim.Faults{})
			w.run(2 * time.Hour)
			w.wantReady("video", tt.end, tt.endReason)
			w.wantKstatus(kind, "video", fixture.KstatusFor(tt.end))

			// A change of the spec is in progress until the operator has seen it.
			w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
			w.wantKstatus(kind, "video", status.InProgressStatus)
			w.pass(0)
			w.wantReady("video", tt.end, tt.endReason)
			w.wantKstatus(kind, "video", fixture.KstatusFor(tt.end))
		})
	}
	t.Run("held back", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
		w.pass(0)
		w.wantKstatus(kind, "video", status.InProgressStatus)
	})
	t.Run("in the queue", func(t *testing.T) {
		w := newWorld(t, worldOptions{accountLimit: &v1alpha1.AccountLimits{InFlight: 1}})
		w.create("a")
		w.create("b")
		w.pass(0)
		w.wantReady("b", metav1.ConditionUnknown, v1alpha1.ReasonQueued)
		w.wantKstatus(kind, "b", status.InProgressStatus)
		w.run(time.Hour)
		w.wantKstatus(kind, "b", status.CurrentStatus)
	})
	t.Run("no account", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", withAccount("nobody"))
		w.pass(0)
		w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonAccountNotFound)
		w.wantKstatus(kind, "video", status.InProgressStatus)
	})
	t.Run("no task id", func(t *testing.T) {
		w := newWorld(t, worldOptions{})
		w.create("video", fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, "two words"))
		w.pass(0)
		w.wantReady("video", metav1.ConditionFalse, v1alpha1.ReasonInvalidTaskID)
		w.wantKstatus(kind, "video", status.FailedStatus)
	})
}

// Nobody takes a resource for finished, or for one that says nothing, before the
// operator has looked at it, also while there is no operator.
func TestKstatusBeforeTheFirstLook(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.create("video")
	if ready := meta.FindStatusCondition(w.get("video").Status.Conditions, v1alpha1.ConditionReady); ready == nil || ready.Status != metav1.ConditionUnknown || ready.Reason != v1alpha1.ReasonPending {
		t.Errorf("Ready is %+v", ready)
	}
	w.wantKstatus("VideoGeneration", "video", status.InProgressStatus)
	w.wantKstatus("KieAccount", v1alpha1.DefaultAccountName, status.InProgressStatus)
	if account := w.account(); account.Status.ObservedGeneration != -1 || len(account.Status.Conditions) != 1 {
		t.Errorf("the status of the account is %+v", account.Status)
	}

	w.pass(time.Hour)
	w.wantReady("video", metav1.ConditionUnknown, v1alpha1.ReasonGenerating)
	for _, condition := range append(w.get("video").Status.Conditions, w.account().Status.Conditions...) {
		if since := w.clock.Since(condition.LastTransitionTime.Time); since > time.Minute {
			t.Errorf("condition %s has its status since %s", condition.Type, condition.LastTransitionTime)
		}
	}
}

// An account is current when it can buy. What is wrong with it may be put right
// outside of the cluster, so it never fails for good.
func TestKstatusOfAnAccount(t *testing.T) {
	const kind = "KieAccount"
	w := newWorld(t, worldOptions{})
	w.pass(0)
	w.wantKstatus(kind, v1alpha1.DefaultAccountName, status.CurrentStatus)
	w.setAPIKey("wrong")
	w.pass(time.Hour)
	w.wantAccount(metav1.ConditionFalse, "Unauthorized")
	w.wantKstatus(kind, v1alpha1.DefaultAccountName, status.InProgressStatus)
	w.setAPIKey(fixture.APIKey)
	w.pass(time.Hour)
	w.wantKstatus(kind, v1alpha1.DefaultAccountName, status.CurrentStatus)
}
