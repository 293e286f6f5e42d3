//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// ample is a budget that leaves room for everything.
var ample = &v1alpha1.Budget{Credits: "100000", Period: metav1.Duration{Duration: 24 * time.Hour}}

// world is what the life takes place in.
func (load workload) world(serial bool, may int) worldOptions {
	opts := worldOptions{paidMost: max(load.paidMost, 1) * (1 + may), serial: serial, noCallbacks: load.noCallbacks, accountsLater: time.Minute}
	if !load.unbudgeted {
		opts.budget = ample
	}
	return opts
}

// inBucketOfS3 stores in a real S3 server, through a proxy that can be disturbed.
var inBucketOfS3 = workload{
	name: "stored in S3", writes: 7, paid: 1, stored: []string{}, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
	begin: func(w *world) {
		_, storage := w.inDisturbedS3()
		w.setStorage(storage)
		w.create("video")
	},
}

// simple are lives without much to them.
var simple = []workload{
	{name: "plain", unbudgeted: true, paid: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, begin: func(w *world) { w.create("video") }},
	{name: "rejected", paid: 1, status: metav1.ConditionFalse, reason: v1alpha1.ReasonContentRejected, begin: func(w *world) { w.create("video", prompt("[sim:fail=400]")) }},
	{name: "refused", paid: 0, status: metav1.ConditionFalse, reason: v1alpha1.ReasonInvalidRequest, begin: func(w *world) { w.create("video", prompt("[sim:submit=422]")) }},
	{name: "suspended", paid: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, begin: func(w *world) {
		w.create("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(true) })
		w.pass(time.Minute)
		w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
	}},
	{name: "short", paid: 1, begin: func(w *world) { w.create("video", livesFor(60)) }},
	{name: "polled", noCallbacks: true, paid: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, begin: func(w *world) {
		w.create("video", prompt("[sim:latency=12m]"))
	}},
}

// eventful are lives in which people do something at a time of their own.
var eventful = []workload{
	{
		// The first id that was to be adopted is nobody's; then the video is bought.
		name: "adopted in vain", paid: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		begin: func(w *world) {
			w.create("video", fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, fixture.OtherTaskID))
			w.whenGivenUp(30*time.Minute, "video", fixture.Resubmit)
		},
	},
	{
		// A lost purchase is made again on another account, which comes to be later, and is Ready even later.
		name: "moved", paid: 2, paidMost: 2, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		begin: func(w *world) {
			w.loseThePurchase("video")
			w.whenGivenUp(5*time.Minute, "video", moveTo("other"))
			w.later(15*time.Minute, func() { w.createAccount("other", "other-credentials", ample) })
			w.later(45*time.Minute, func() { w.createCredentials("other-credentials") })
		},
	},
	{
		// The account of a lost purchase is gone, and the video is bought with another one.
		name: "moved from an account that is gone", paid: 2, paidMost: 2, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		begin: func(w *world) {
			w.createAccount("other", "kie-credentials", ample)
			w.loseThePurchase("video")
			w.later(5*time.Minute, func() { w.must(w.live.Delete(w.t.Context(), w.account())) })
			w.whenGivenUp(15*time.Minute, "video", moveTo("other"))
		},
	},
	{
		// The account of a task that was given up is gone when it is given more time, and comes back.
		name: "given more time without an account", paid: 1, status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded,
		begin: func(w *world) {
			w.create("video", prompt("[sim:latency=3h] [sim:callback=never]"))
			w.run(40 * time.Minute)
			w.later(5*time.Minute, func() { w.must(w.live.Delete(w.t.Context(), w.account())) })
			w.later(15*time.Minute, func() {
				w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Timeout = &metav1.Duration{Duration: 20 * time.Hour} })
			})
			w.later(45*time.Minute, func() { w.createAccount(v1alpha1.DefaultAccountName, "kie-credentials", ample) })
		},
	},
}

// perturbedLoads are the lives whose effects are disturbed.
func perturbedLoads() []workload {
	return slices.Concat(workloads, []workload{guarded, inBucketOfS3}, simple, eventful)
}

// loseThePurchase creates a resource, and lets its purchase be lost for good.
func (w *world) loseThePurchase(name string) {
	w.t.Helper()
	w.sim.SetFaults(simLost)
	w.create(name)
	w.run(35 * time.Minute)
	w.wantReady(name, metav1.ConditionFalse, v1alpha1.ReasonSubmissionUnknown)
	w.sim.SetFaults(simWell)
}

// whenGivenUp changes a resource after some time, when it says that a user has to
// do something about its task.
func (w *world) whenGivenUp(after time.Duration, name string, change func(*v1alpha1.VideoGeneration)) {
	w.later(after, func() {
		if w.isGone(name) {
			return
		}
		if task := w.get(name).Status.Task; state.FailedFor(task, v1alpha1.ReasonSubmissionUnknown) || state.FailedFor(task, v1alpha1.ReasonTaskNotFound) {
			w.update(name, change)
		} else if !task.Settled() {
			w.whenGivenUp(5*time.Minute, name, change)
		}
	})
}

// createCredentials makes the Secret of an account.
func (w *world) createCredentials(name string) {
	w.t.Helper()
	w.must(w.live.Create(w.t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		StringData: map[string]string{v1alpha1.SecretKeyAPIKey: fixture.APIKey, v1alpha1.SecretKeyWebhookHMACKey: fixture.HMACKey},
	}))
}
