// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// When KIE.AI is asked.
func TestWhenAQuestionIsDue(t *testing.T) {
	start := fixture.Epoch
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	every := state.NewSchedule(start, "", false) // every 30 s
	receipt := &v1alpha1.CallbackReceipt{ReceivedAt: metav1.NewMicroTime(at(5))}
	plain := turn{schedule: every, since: start, end: at(600)}
	with := func(change func(*turn)) turn { t := plain; change(&t); return t }
	calledBack := with(func(t *turn) { t.receipt = receipt })
	for name, tt := range map[string]struct {
		c    conversation
		turn turn
		now  time.Time
		want bool
	}{
		"before its time":                          {turn: plain, now: at(20)},
		"by the schedule":                          {turn: plain, now: at(60), want: true},
		"answered a while ago":                     {c: conversation{answeredAt: at(60)}, turn: plain, now: every.Next(at(60)).Add(-time.Second)},
		"answered a turn ago":                      {c: conversation{answeredAt: at(60)}, turn: plain, now: every.Next(at(60)), want: true},
		"since this process began":                 {turn: with(func(t *turn) { t.since = at(65) }), now: every.Next(at(65)).Add(-time.Second)},
		"somebody wants to know":                   {c: conversation{askAt: at(3)}, turn: plain, now: at(3), want: true},
		"the trouble is to pass first":             {c: conversation{askAt: at(90)}, turn: calledBack, now: at(80)},
		"for its callback":                         {turn: calledBack, now: at(6), want: true},
		"the callback was followed":                {c: conversation{callback: receipt.ReceivedAt}, turn: calledBack, now: at(6)},
		"given up":                                 {turn: with(func(t *turn) { t.givenUp = true }), now: at(6000)},
		"given up, and called back":                {turn: with(func(t *turn) { t.givenUp, t.receipt = true, receipt }), now: at(6000), want: true},
		"once more after the end":                  {c: conversation{answeredAt: at(595)}, turn: plain, now: at(600), want: true},
		"not again after the answer after its end": {c: conversation{answeredAt: at(601)}, turn: plain, now: at(602)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.c.due(tt.now, tt.turn); got != tt.want {
				t.Errorf("due is %t, want %t", got, tt.want)
			}
		})
	}
}

// The longer there is no answer, the rarer the question, and an answer ends it.
func TestTroubleMakesQuestionsRarer(t *testing.T) {
	var c conversation
	now := fixture.Epoch
	why := state.Wait{Reason: v1alpha1.ReasonGenerating, RetryAfter: 10 * time.Second}
	for i, want := range []time.Duration{10 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute} {
		w := c.troubled(now, why)
		if w.RetryAfter != want || !c.askAt.Equal(now.Add(want)) || c.trouble != w {
			t.Errorf("after question %d it waits %s, want %s", i+1, w.RetryAfter, want)
		}
		now = c.askAt
	}
	c.answered(now, nil)
	if c != (conversation{answeredAt: now}) {
		t.Errorf("after an answer it remembers %+v", c)
	}
}

// What would end a task has to be all that is heard for a while.
func TestADoubtHasToLast(t *testing.T) {
	var c conversation
	if c.confirmed(fixture.Epoch) || c.confirmed(fixture.Epoch.Add(state.ConfirmAfter-time.Second)) {
		t.Error("it is confirmed at once")
	}
	if !c.confirmed(fixture.Epoch.Add(state.ConfirmAfter)) {
		t.Error("it is never confirmed")
	}
}
