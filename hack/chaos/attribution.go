// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// outage is a time in which a replica could not reach the API server.
type outage struct {
	// replica is its name; empty for all of them.
	replica  string
	from, to time.Time
}

// writerOf returns the process that has written the attempt of the current task:
// the API server notes it in managedFields. Each process has a name of its own.
func writerOf(fields []metav1.ManagedFieldsEntry) string {
	for _, entry := range fields {
		if entry.Subresource != "status" || entry.FieldsV1 == nil {
			continue
		}
		var owned struct {
			Status struct {
				Task map[string]json.RawMessage `json:"f:task"`
			} `json:"f:status"`
		}
		if json.Unmarshal(entry.FieldsV1.GetRawBytes(), &owned) != nil {
			continue
		}
		if _, ok := owned.Status.Task["f:attempt"]; ok {
			return entry.Manager
		}
	}
	return ""
}

// fate is what happened to the process that has begun a purchase.
type fate string

const (
	// ofSIGTERM is nothing but a SIGTERM, or nothing at all: a purchase that was begun is finished.
	ofSIGTERM fate = "SIGTERM only"
	// ofKill is a death that no process can prepare for, or a stop of longer than its lease.
	ofKill fate = "killed or stopped"
	// ofOutage is that it could not reach the API server for a while.
	ofOutage fate = "API server away"
	// ofNobody is that it is not known which process has written it.
	ofNobody fate = "not known"
)

// fateOf says what happened to the process that wrote the intent of a purchase,
// from just before that until its end.
func fateOf(writer string, submitted time.Time, lives []lifeRecord, outages []outage) (fate, string) {
	for _, life := range lives {
		if life.name != writer {
			continue
		}
		from, to := submitted.Add(-2*time.Second), life.ended
		story := fmt.Sprintf("begun %s by %s, which ended by %s", submitted.UTC().Format(time.TimeOnly), life.name, life.how)
		if life.ended.IsZero() {
			to = submitted.Add(recoveryWindow)
			story = fmt.Sprintf("begun %s by %s, which still runs", submitted.UTC().Format(time.TimeOnly), life.name)
		} else {
			story += " at " + life.ended.UTC().Format(time.TimeOnly)
		}
		switch {
		case life.stopped || life.how == byKill || life.how == byItself:
			return ofKill, story
		case away(life.replica, from, to, outages):
			return ofOutage, story
		default:
			return ofSIGTERM, story
		}
	}
	return ofNobody, "begun by nobody who is known"
}

// away reports whether a replica could not reach the API server at some moment.
func away(replica string, from, to time.Time, outages []outage) bool {
	return slices.ContainsFunc(outages, func(o outage) bool {
		return (o.replica == "" || o.replica == replica) && o.from.Before(to) && from.Before(o.to)
	})
}

// nobodyCouldRead reports whether the API server was away at some moment.
func nobodyCouldRead(from, to time.Time, outages []outage) bool { return away("", from, to, outages) }

// judgeIntents finds the purchases that were begun and never sent, and what
// happened to the process that began them. A SIGTERM alone does not excuse it.
func (f *findings) judgeIntents(vg *v1alpha1.VideoGeneration, e evidence) {
	begun := map[string]time.Time{}
	for _, past := range vg.Status.History {
		if past.ID == "" {
			begun[past.Attempt] = past.SubmittedAt.Time
		}
	}
	if task := vg.Status.Task; task != nil && task.ID == "" && task.State == v1alpha1.TaskFailed {
		begun[task.Attempt] = task.SubmittedAt.Time
	}
	for attempt, at := range begun {
		if _, sent := e.arrivals[attempt]; sent {
			continue
		}
		what, story := fateOf(e.writers[attempt], at, e.lives, e.outages)
		f.unsent[what]++
		if what == ofSIGTERM || what == ofNobody {
			f.dropped = append(f.dropped, fmt.Sprintf("%s/%s: nothing was sent for attempt %s, %s", vg.Namespace, vg.Name, attempt, story))
		}
	}
}
