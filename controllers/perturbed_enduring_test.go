//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/state"
)

// simWell and simLost are what KIE.AI does with every purchase.
var (
	simWell = kiesim.Faults{}
	simLost = kiesim.Faults{AcceptThen: kiesim.AcceptThenDrop, NoCallback: true}
)

// enduring are the plans in which trouble does not pass at once: of the API server
// from a write on, or of KIE.AI, its files or the storage at one kind of request.
func enduring(_ workload, count effects) (plans []plan) {
	for n := 1; n <= len(count.writes); n++ {
		for _, l := range lengths {
			plans = append(plans, plan{name: fmt.Sprintf("every write from %d fails %s", n, l.name), disturb: func(w *world, happened func()) {
				first := int(w.faults.writes.Load())
				var until time.Time
				w.faults.onEffect = func(e write) error {
					now := w.clock.Now()
					if e.number >= first+n && until.IsZero() {
						until = now.Add(l.d)
						happened()
					}
					if !until.IsZero() && (l.d == 0 || now.Before(until)) {
						return errServer
					}
					return e.do()
				}
			}, held: func(*world, workload, ending) {}, holds: holding(l)})
		}
	}
	var of []string
	for _, request := range count.requests {
		if !slices.Contains(of, request) {
			of = append(of, request)
		}
	}
	answers := map[string]func(rw http.ResponseWriter){
		"does not arrive":     func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"is answered 500":     func(rw http.ResponseWriter) { answerJSON(rw, `{"code":500,"msg":"Server error"}`) },
		"is answered 455":     func(rw http.ResponseWriter) { answerJSON(rw, `{"code":455,"msg":"Service unavailable"}`) },
		"is answered nothing": func(rw http.ResponseWriter) { answerJSON(rw, ``) },
	}
	for _, request := range of {
		for _, name := range inOrderOf(answers) {
			answer := answers[name]
			if (request == "video" || request == "object") && name != "does not arrive" {
				continue // it is not of the API
			}
			for _, l := range lengths {
				plans = append(plans, plan{name: fmt.Sprintf("every %s %s %s", request, name, l.name), disturb: func(w *world, happened func()) {
					var until time.Time
					w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
						now := w.clock.Now()
						if kindOf(r) == request {
							happened()
							if until.IsZero() {
								until = now.Add(l.d)
							}
							if l.d == 0 || now.Before(until) {
								answer(rw)
								return
							}
						}
						serve.ServeHTTP(rw, r)
					}
				}, held: heldFor(l), holds: holding(l), aid: asMessagesSay})
			}
		}
	}
	return plans
}

// holding is how long the world is looked at while trouble lasts.
func holding(l length) time.Duration {
	if l.d == 0 {
		return forEver
	}
	return horizon
}

// heldFor judges the world at the end of that.
func heldFor(l length) func(*world, workload, ending) {
	if l.d == 0 {
		return said
	}
	return func(*world, workload, ending) {}
}

func answerJSON(rw http.ResponseWriter, body string) {
	rw.Header().Set("Content-Type", "application/json")
	_, _ = rw.Write([]byte(body))
}

// asMessagesSay does what the messages of a resource tell its user to do, until
// there is nothing to do: looks the task up at KIE.AI's logs, gives it more time,
// or buys again what was not bought.
func asMessagesSay(w *world) {
	w.t.Helper()
	for range 4 {
		if w.isGone("video") {
			return
		}
		vg := w.get("video")
		task := vg.Status.Task
		switch {
		case state.FailedFor(task, v1alpha1.ReasonSubmissionUnknown), state.FailedFor(task, v1alpha1.ReasonTaskNotFound):
			if id := w.boughtFor(vg); id != "" {
				w.update("video", fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, id))
			} else {
				w.update("video", fixture.Resubmit)
			}
		case state.FailedFor(task, v1alpha1.ReasonTimedOut):
			w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Timeout = &metav1.Duration{Duration: 24 * time.Hour} })
		case vg.Status.Upgrade != nil && vg.Status.Upgrade.Failure != nil && vg.Status.Upgrade.Failure.Reason == v1alpha1.ReasonTimedOut:
			w.update("video", func(vg *v1alpha1.VideoGeneration) { vg.Spec.Timeout = &metav1.Duration{Duration: 24 * time.Hour} })
		case vg.Status.Upgrade != nil && vg.Status.Upgrade.State == v1alpha1.UpgradeFailed:
			w.update("video", fixture.Annotated(v1alpha1.AnnotationResubmit, vg.Status.Upgrade.Attempt))
		default:
			return
		}
		w.run(horizon)
	}
}

// boughtFor is the last task that KIE.AI's logs show for the prompt of a resource,
// made by its last attempt; empty if it shows none.
func (w *world) boughtFor(vg *v1alpha1.VideoGeneration) (id string) {
	for _, task := range w.sim.State().Tasks {
		if task.Prompt == vg.Spec.Prompt && (task.Attempt == vg.Status.Task.Attempt || task.Attempt == "") {
			id = task.ID
		}
	}
	return id
}
