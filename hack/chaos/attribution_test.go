// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// noon is when the things of these tests begin.
var noon = time.Date(2026, time.November, 27, 12, 0, 0, 0, time.UTC)

func after(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

func TestWriterIsWhoWroteTheAttemptOfTheTask(t *testing.T) {
	entry := func(manager, subresource, fields string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Subresource: subresource, FieldsV1: metav1.NewFieldsV1(fields)}
	}
	fields := []metav1.ManagedFieldsEntry{
		entry("chaos", "", `{"f:spec":{"f:prompt":{}}}`),
		{Manager: "nobody", Subresource: "status"},
		entry("operator-1.1", "status", `{"f:status":{"f:callback":{"f:attempt":{}},"f:upgrade":{"f:attempt":{}},"f:task":{"f:id":{}}}}`),
		entry("operator-2.7", "status", `{"f:status":{"f:task":{".":{},"f:attempt":{},"f:state":{}}}}`),
	}
	if got := writerOf(fields); got != "operator-2.7" {
		t.Errorf("the writer is %q, want operator-2.7", got)
	}
	if got := writerOf(fields[:3]); got != "" {
		t.Errorf("the writer is %q, want nobody", got)
	}
}

func TestFateOfAnIntent(t *testing.T) {
	life := func(how end, ended int) lifeRecord {
		return lifeRecord{name: "operator-1.1", replica: "operator-1", began: noon, ended: after(ended), how: how}
	}
	frozen := life(bySIGTERM, 60)
	frozen.stopped = true
	runs := life(running, 60)
	runs.ended = time.Time{}
	for _, tt := range []struct {
		name    string
		life    lifeRecord
		outages []outage
		want    fate
	}{
		{"a SIGTERM ends its process", life(bySIGTERM, 60), nil, ofSIGTERM},
		{"its process still runs", runs, nil, ofSIGTERM},
		{"its process is killed", life(byKill, 60), nil, ofKill},
		{"its process loses its lease", life(byItself, 60), nil, ofKill},
		{"its process was stopped", frozen, nil, ofKill},
		{"the API server was away before the end", life(bySIGTERM, 60), []outage{{from: after(50), to: after(70)}}, ofOutage},
		{"its replica was cut off", life(bySIGTERM, 60), []outage{{replica: "operator-1", from: after(20), to: after(31)}}, ofOutage},
		{"the other replica was cut off", life(bySIGTERM, 60), []outage{{replica: "operator-2", from: after(20), to: after(40)}}, ofSIGTERM},
		{"the API server was away long before", life(bySIGTERM, 60), []outage{{from: after(0), to: after(20)}}, ofSIGTERM},
		{"the API server was away after the end", life(bySIGTERM, 60), []outage{{from: after(61), to: after(80)}}, ofSIGTERM},
	} {
		if got, story := fateOf("operator-1.1", after(30), []lifeRecord{tt.life}, tt.outages); got != tt.want {
			t.Errorf("%s: the fate is %q (%s), want %q", tt.name, got, story, tt.want)
		}
	}
	if got, _ := fateOf("operator-9.9", after(30), []lifeRecord{life(byKill, 60)}, nil); got != ofNobody {
		t.Errorf("of a process that nobody knows the fate is %q", got)
	}
}

func TestPurchasesDroppedAtSIGTERM(t *testing.T) {
	for _, tt := range []struct {
		name    string
		how     end
		sent    bool
		dropped int
	}{
		{"nothing was sent, and the process ended by SIGTERM", bySIGTERM, false, 1},
		{"nothing was sent, and the process was killed", byKill, false, 0},
		{"it was sent", bySIGTERM, true, 0},
	} {
		_, vg, e := one(plain)
		giveUp(vg)
		vg.Status.Task.SubmittedAt = metav1.NewTime(after(30))
		e.tasks, e.writers = nil, map[string]string{"attempt-1": "operator-1.1"}
		e.lives = []lifeRecord{{name: "operator-1.1", ended: after(31), how: tt.how}}
		if !tt.sent {
			e.arrivals = nil
		}
		e.keepBooks()
		if f := judge(e); len(f.dropped) != tt.dropped {
			t.Errorf("%s: dropped are %q, want %d", tt.name, f.dropped, tt.dropped)
		}
	}
	_, vg, e := one(againUnsold)
	vg.Status.History = []v1alpha1.PastTask{{Attempt: "attempt-0", SubmittedAt: metav1.NewTime(after(30)), Reason: v1alpha1.ReasonSubmissionUnknown}}
	e.writers = map[string]string{"attempt-0": "operator-1.1"}
	e.lives = []lifeRecord{{name: "operator-1.1", ended: after(31), how: bySIGTERM}}
	e.keepBooks()
	if f := judge(e); len(f.dropped) != 1 {
		t.Errorf("of a purchase that was made again, dropped are %q, want 1", f.dropped)
	}
}
