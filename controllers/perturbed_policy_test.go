//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

const (
	// taskIDNotMirrored is the condition, and the reason of the Event, of a resource whose annotation cannot be written.
	taskIDNotMirrored = "TaskIDNotMirrored"
	// sayWithin is how soon it has to be said.
	sayWithin = time.Minute
	// maxAnnotations is the limit of Kubernetes on the annotations of an object, in bytes.
	maxAnnotations = 256 << 10
)

// length is how long trouble lasts.
type length struct {
	name string
	// d is zero for ever.
	d time.Duration
}

var lengths = []length{{"for 30 minutes", 30 * time.Minute}, {"for ever", 0}}

// forEver is how long trouble is looked at that does not end.
const forEver = 90 * time.Minute

// refusedByPolicies are the plans in which somebody in front of the API server
// refuses what the operator writes: to the main resource and not to the status, or
// the reverse, or a finalizer, or because there is no room for it.
func refusedByPolicies(load workload, count effects) (plans []plan) {
	first, last := map[target]int{}, map[target]int{}
	for i, to := range count.writes {
		if last[to] = i + 1; first[to] == 0 {
			first[to] = i + 1
		}
	}
	from := func(p policy, to target, held func(*world, workload, ending)) {
		for n := 1; n <= last[to]; n++ {
			if n > 1 && count.writes[n-1] != to {
				continue // the plan of the next write is the same
			}
			for _, l := range lengths {
				made := plan{name: fmt.Sprintf("%s from write %d %s", p.name, n, l.name), aid: asMessagesSay, disturb: func(w *world, happened func()) {
					w.imposeAt(n, l.d, p, happened)
				}}
				if l.d == 0 {
					made.held, made.holds, made.relieve = held, forEver, func(w *world) { w.lift(p) }
				} else {
					made.held, made.holds = func(*world, workload, ending) {}, horizon
				}
				plans = append(plans, made)
			}
		}
	}
	switch load.name {
	case guarded.name, inBucketOfS3.name:
		for _, p := range []policy{mainForbidden, mainInvalid, noFinalizers} {
			from(p, toMain, notStoredAndSaid)
		}
	default:
		for _, p := range []policy{mainForbidden, mainInvalid} {
			from(p, toMain, endsUnmirrored)
		}
		// Where people annotate the resource later, they have no room either.
		annotated := slices.ContainsFunc(eventful, func(l workload) bool { return l.name == load.name })
		if n := first[toMain]; n > 0 && !annotated {
			plans = append(plans,
				plan{name: "no room for annotations", held: endsUnmirrored, holds: forEver, disturb: func(w *world, happened func()) {
					happened()
					w.fillAnnotations("video")
				}, relieve: emptyAnnotations},
				plan{name: "a webhook for the main resource is down", held: endsUnmirrored, holds: forEver, disturb: func(w *world, happened func()) {
					w.faults.onEffect = func(e write) error {
						if e.to == toMain {
							happened()
							return apierrors.NewInternalError(fmt.Errorf(`failed calling webhook "guard.example.com": no endpoints available`))
						}
						return e.do()
					}
				}})
		}
	}
	for _, p := range []policy{statusForbidden, statusInvalid} {
		from(p, toStatus, saidByEvent)
	}
	for n := first[toStatus]; n <= last[toStatus] && n > 0; n++ {
		if count.writes[n-1] != toStatus {
			continue
		}
		plans = append(plans, plan{name: fmt.Sprintf("status write %d refused once with 422", n), disturb: func(w *world, happened func()) {
			w.atEffect(n, func(write) error {
				happened()
				return apierrors.NewInvalid(v1alpha1.GroupVersion.WithKind("VideoGeneration").GroupKind(), "video", nil)
			})
		}})
	}
	return plans
}

// imposeAt puts a policy in force at a write, for a time or for ever. It has
// happened when something was refused.
func (w *world) imposeAt(number int, d time.Duration, p policy, happened func()) {
	first := int(w.faults.writes.Load())
	imposed := false
	w.faults.onEffect = func(e write) error {
		if e.number >= first+number && !imposed {
			imposed = true
			w.impose(p)
			if d > 0 {
				w.later(d, func() { w.lift(p) })
			}
		}
		err := e.do()
		if refusedByPolicy(err) && strings.Contains(err.Error(), p.name) {
			happened()
		}
		return err
	}
}

// fillAnnotations leaves no room for another annotation.
func (w *world) fillAnnotations(name string) {
	w.t.Helper()
	w.update(name, func(vg *v1alpha1.VideoGeneration) {
		used := 0
		for key, value := range vg.Annotations {
			used += len(key) + len(value)
		}
		const key = "example.com/notes"
		metav1.SetMetaDataAnnotation(&vg.ObjectMeta, key, strings.Repeat("x", maxAnnotations-used-len(key)-4))
	})
}

func emptyAnnotations(w *world) {
	w.update("video", func(vg *v1alpha1.VideoGeneration) { delete(vg.Annotations, "example.com/notes") })
}

// endsUnmirrored holds while the main resource cannot be written to: the life ends
// as undisturbed, and only the annotation is missing, which is said soon.
func endsUnmirrored(w *world, load workload, want ending) {
	w.t.Helper()
	got := w.ending(load)
	want.Mirrored, got.Mirrored = false, false
	if w.isGone("video") && want.Gone {
		return
	}
	w.wantEnding(want, got, "while the main resource cannot be written to")
	vg := w.get("video")
	task := vg.Status.Task
	if task == nil || task.ID == "" || vg.Annotations[v1alpha1.AnnotationTaskID] == task.ID {
		return
	}
	if c := meta.FindStatusCondition(vg.Status.Conditions, taskIDNotMirrored); c == nil || c.Status != metav1.ConditionTrue {
		w.t.Errorf("no condition %s says that the annotation is missing", taskIDNotMirrored)
	}
	w.written.mu.Lock()
	known := w.written.known[task.ID]
	w.written.mu.Unlock()
	at := slices.IndexFunc(w.events, func(e string) bool { return strings.HasPrefix(e, "Warning "+taskIDNotMirrored+" ") })
	switch {
	case at < 0:
		w.t.Errorf("no Warning %s says that the annotation is missing", taskIDNotMirrored)
	case load.paidMost <= 1 && w.eventsAt[at].Sub(known) > sayWithin:
		w.t.Errorf("that the annotation is missing was said after %s, want within %s", w.eventsAt[at].Sub(known), sayWithin)
	}
}

// notStoredAndSaid holds while the finalizer is refused without which nothing is
// stored: the video is there and not stored, and why is said.
func notStoredAndSaid(w *world, _ workload, _ ending) {
	w.t.Helper()
	vg := w.get("video")
	if len(vg.Finalizers) > 0 {
		return // it was there before
	}
	if len(vg.Status.Videos) == 0 || vg.Status.Videos[0].Artifact != nil {
		w.t.Errorf("the videos are %+v, want one that is not stored", vg.Status.Videos)
	}
	if vg.Status.Storage == nil || vg.Status.Storage.Failure == nil || vg.Status.Storage.Failure.Message == "" {
		w.t.Errorf("status.storage is %+v, want a failure that names the finalizer", vg.Status.Storage)
	}
	if problem := w.silence("video", false); problem != "" {
		w.t.Error(problem)
	}
}

// saidByEvent holds while no status can be written: nothing is lost, and an Event
// says why it does not go on.
func saidByEvent(w *world, _ workload, want ending) {
	w.t.Helper()
	if problem := w.silence("video", true); problem != "" && !want.Gone {
		w.t.Error(problem)
	}
}

// said holds after trouble that has lasted: why it does not go on is said.
func said(w *world, _ workload, _ ending) {
	w.t.Helper()
	if problem := w.silence("video", false); problem != "" {
		w.t.Error(problem)
	}
}

// wantEnding compares what a life has come to by now.
func (w *world) wantEnding(want, got ending, when string) {
	w.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s, the life has another end (-right +this):\n%s\nit says %s", when, diff, w.readyText("video"))
	}
}
