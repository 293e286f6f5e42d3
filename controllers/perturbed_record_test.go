//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/state"
)

// forgetting are the answers that say that there is no such task.
var forgetting = map[string]string{
	"is null":        `{"code":200,"msg":"success","data":null}`,
	"is 422 null":    `{"code":422,"msg":"recordInfo is null","data":null}`,
	"does not exist": `{"code":422,"msg":"Record does not exist","data":null}`,
	"is not found":   `{"code":404,"msg":"Not found","data":null}`,
}

// sickening are those that say nothing of the task.
var sickening = map[string]string{
	"is sick":     `{"code":500,"msg":"Server error","data":null}`,
	"has no data": `{"code":422,"msg":"record result data not exist","data":null}`,
	"is silent":   "",
}

// sickRecords are the plans in which KIE.AI forgets a task that it has made, or
// cannot be asked about it, from a question on: once, for a time, and for ever. A
// task that was seen is not given up for that, and what was given up can be taken
// back when KIE.AI remembers it.
func sickRecords(_ workload, count effects) (plans []plan) {
	questions := 0
	for _, request := range count.requests {
		if request == "record-info" {
			questions++
		}
	}
	for from := 1; from <= questions; from++ {
		if from > 2 && from < questions {
			continue // they are all the same
		}
		for _, l := range append([]length{{"once", 1}, {"for 20 minutes", 20 * time.Minute}}, length{"for ever", 0}) {
			for _, answers := range []map[string]string{forgetting, sickening} {
				for _, name := range inOrderOf(answers) {
					body := answers[name]
					_, forgets := forgetting[name]
					p := plan{
						name: fmt.Sprintf("the record %s %s from question %d", name, l.name, from), aid: asMessagesSay,
						disturb: func(w *world, happened func()) { w.answerRecords(from, l, body, happened) },
						held:    func(*world, workload, ending) {}, holds: horizon,
					}
					if l.d == 0 {
						p.held, p.holds = func(w *world, _ workload, want ending) {
							if forgets {
								w.wantForgotten(from > 1)
							}
							said(w, workload{}, want)
						}, forEver
					}
					plans = append(plans, p)
				}
			}
		}
	}
	return plans
}

// answerRecords answers questions about tasks from one of them on: that one, those
// of a time, or all. An empty answer is none.
func (w *world) answerRecords(from int, l length, body string, happened func()) {
	asked := 0
	var until time.Time
	w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
		if kindOf(r) != "record-info" {
			serve.ServeHTTP(rw, r)
			return
		}
		asked++
		now := w.clock.Now()
		if asked == from {
			happened()
			until = now.Add(l.d)
		}
		switch {
		case asked < from, l.d != 0 && !now.Before(until):
			serve.ServeHTTP(rw, r)
		case body == "":
			panic(http.ErrAbortHandler)
		default:
			answerJSON(rw, body)
		}
	}
}

// wantForgotten holds while KIE.AI says that there is no such task: that is said of
// one that was never seen when it is given up, and one that was seen is not found
// missing.
func (w *world) wantForgotten(seen bool) {
	w.t.Helper()
	if w.isGone("video") {
		return
	}
	task := w.get("video").Status.Task
	found := !state.FailedFor(task, v1alpha1.ReasonTaskNotFound)
	switch {
	case task == nil || task.ID == "" || task.State == v1alpha1.TaskSucceeded:
	case seen && !found:
		w.t.Errorf("a task that was seen is given up as %s", v1alpha1.ReasonTaskNotFound)
	case state.FailedFor(task, v1alpha1.ReasonTimedOut) && strings.Contains(task.Failure.Message, "does not know"):
	case !seen && found:
		w.t.Errorf("KIE.AI knows no such task, and it says %s", w.readyText("video"))
	}
}
