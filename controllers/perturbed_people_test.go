//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"net/http"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// unknownTaskID is the id of no task.
const unknownTaskID = "0123456789abcdef0123456789abcdef"

// touched are the plans in which somebody else does something to the resource: its
// status is emptied, with the process that knows better or without it, or a
// callback names a task that nobody knows.
func touched(load workload, count effects) (plans []plan) {
	for n := 1; n <= len(count.writes); n++ {
		plans = append(plans,
			plan{name: fmt.Sprintf("status emptied after write %d", n), disturb: func(w *world, happened func()) {
				w.after(n, func() { happened(); w.takeStatus("video") })
			}, aid: asMessagesSay},
			plan{name: fmt.Sprintf("status emptied after write %d then a crash", n), disturb: func(w *world, happened func()) {
				w.after(n, func() { happened(); w.takeStatus("video"); panic(errCrash) })
			}, aid: asMessagesSay, unbooked: true}) // such an account counts by the statuses
		for _, text := range inOrderOf(forgetting) {
			body := forgetting[text]
			if load.noCallbacks || (text != "does not exist" && load.name != "answer lost") {
				continue
			}
			plans = append(plans, plan{name: fmt.Sprintf("a callback names a task whose record %s after write %d", text, n), disturb: func(w *world, happened func()) {
				w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
					if kindOf(r) == "record-info" && r.URL.Query().Get("taskId") == unknownTaskID {
						answerJSON(rw, body)
						return
					}
					serve.ServeHTTP(rw, r)
				}
				w.after(n, func() {
					happened()
					if w.isGone("video") {
						return
					}
					if task := w.get("video").Status.Task; task != nil {
						w.sync()
						w.callBack(task.Attempt, unknownTaskID)
					}
				})
			}})
		}
	}
	return plans
}

// takeStatus takes everything out of the status of a resource.
func (w *world) takeStatus(name string) {
	w.t.Helper()
	if w.isGone(name) {
		return
	}
	vg := w.get(name)
	before := vg.DeepCopy()
	vg.Status = v1alpha1.VideoGenerationStatus{}
	w.must(client.IgnoreNotFound(w.live.Status().Patch(w.t.Context(), vg, client.MergeFrom(before))))
}
