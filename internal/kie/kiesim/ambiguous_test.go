// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lost is how a submission looks to a client: a status and a body, or no answer.
type lost struct {
	Status int
	Body   string
	Broken bool
}

func (f *fixture) submitLost(ctx context.Context, prompt string) lost {
	f.t.Helper()
	r := f.newReceiver()
	got, err := f.do(ctx, http.MethodPost, "/api/v1/veo/generate",
		fields{"prompt": prompt, "callBackUrl": r.url("at1")}.json())
	return lost{Status: got.Status, Body: got.Body, Broken: err != nil}
}

const serverError = `{"code":500,"msg":"An unexpected error occurred while processing the request","data":null}`

func TestAcceptedButTheAnswerIsLost(t *testing.T) {
	cases := map[AcceptThen]lost{
		AcceptThenDrop:     {Broken: true},
		AcceptThen500:      {Status: 500, Body: serverError},
		AcceptThen502:      {Status: 502, Body: "<html><body><h1>502 Bad Gateway</h1></body></html>"},
		AcceptThenCode500:  {Status: 200, Body: serverError},
		AcceptThenGarbage:  {Status: 200, Body: "\x00 upstream"},
		AcceptThenNoTaskID: {Status: 200, Body: `{"code":200,"msg":"success","data":{}}`},
	}
	for then, want := range cases {
		t.Run(string(then), func(t *testing.T) {
			f := newFixture(t, Options{})
			got := f.submitLost(t.Context(), "a [sim:accept-then="+string(then)+"]")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]int{"at1": 1}, f.PaidByCallback()); diff != "" {
				t.Errorf("paid by callback (-want +got):\n%s", diff)
			}
			if made := f.playOut(); made != 1 {
				t.Errorf("%d callbacks, want 1: the task goes on", made)
			}
		})
	}
}

func TestAcceptedAndHangsUntilTheClientGivesUp(t *testing.T) {
	f := newFixture(t, Options{})
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	f.SetOnAccepted(func(Task) { giveUp() })
	got := f.submitLost(ctx, "a [sim:accept-then=hang]")
	if diff := cmp.Diff(lost{Broken: true}, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if state := f.State(); state.PaidTasks != 1 {
		t.Errorf("%d tasks were paid, want 1", state.PaidTasks)
	}
}

func TestNotAcceptedButLooksTheSame(t *testing.T) {
	cases := map[RefuseThen]lost{
		RefuseThenDrop: {Broken: true},
		RefuseThen500:  {Status: 500, Body: serverError},
	}
	for then, want := range cases {
		t.Run(string(then), func(t *testing.T) {
			f := newFixture(t, Options{})
			got := f.submitLost(t.Context(), "a [sim:refuse-then="+string(then)+"]")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if made := f.playOut(); made != 0 || f.State().PaidTasks != 0 {
				t.Errorf("%d callbacks and %d paid tasks, want none", made, f.State().PaidTasks)
			}
		})
	}
}

func TestDefiniteRefusals(t *testing.T) {
	cases := map[string]answer{
		"401": {Status: 200, Code: 401, Msg: "You do not have access permissions"},
		"402": {Status: 200, Code: 402, Msg: "The current credits are insufficient. Please top up."},
		"403": {Status: 403},
		"429": {Status: 200, Code: 429, Msg: "Your call frequency is too high. Please try again later."},
		"455": {Status: 200, Code: 455, Msg: "The system is currently undergoing maintenance"},
	}
	for code, want := range cases {
		t.Run(code, func(t *testing.T) {
			f := newFixture(t, Options{})
			got := f.submit(fields{"prompt": "[sim:submit=" + code + "]"})
			if code == "403" && got.Body != "error code: 1010" {
				t.Errorf("body is %q", got.Body)
			}
			got.Body = ""
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if f.State().PaidTasks != 0 {
				t.Error("a refused submission was paid")
			}
		})
	}
}

func TestHookBlocksOneSubmissionOnly(t *testing.T) {
	f := newFixture(t, Options{})
	entered, release := make(chan Task), make(chan struct{})
	f.SetOnAccepted(func(task Task) {
		entered <- task
		<-release
	})
	answered := make(chan answer, 1)
	go func() {
		got, _ := f.do(context.WithoutCancel(t.Context()), http.MethodPost, "/api/v1/veo/generate",
			`{"prompt":"a","callBackUrl":"https://hooks.example/v1/callbacks/at1"}`)
		answered <- got
	}()
	blocked := <-entered
	want := Task{ID: blocked.ID, Operation: OperationGenerate, Model: "veo3_fast", Prompt: "a", Attempt: "at1", Credits: 60, State: TaskRunning, CreatedAt: epoch}
	if diff := cmp.Diff(want, blocked); diff != "" {
		t.Errorf("task of the hook (-want +got):\n%s", diff)
	}
	select {
	case got := <-answered:
		t.Fatalf("answered %s before the hook returned", got.Body)
	default:
	}
	f.SetOnAccepted(nil)
	f.accept(fields{"prompt": "another"})
	f.clock.advance(5 * time.Second)
	if flag := f.recordData(blocked.ID)["successFlag"]; flag != 1.0 {
		t.Errorf("successFlag is %v while the submission hangs, want 1", flag)
	}
	close(release)
	if got := <-answered; got.Code != 200 {
		t.Errorf("code %d after the hook, want 200", got.Code)
	}
}
