// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"maps"
	"net/http"
	"time"
)

// State is what a simulator has seen and done so far. It holds no keys.
type State struct {
	// Tasks are the accepted tasks, oldest first.
	Tasks []Task `json:"tasks"`
	// PaidTasks is the number of accepted tasks.
	PaidTasks int `json:"paidTasks"`
	// Balance is the credits that are left.
	Balance float64 `json:"balance"`
	// Requests counts the requests by endpoint: generate, record-info, credit,
	// video and other.
	Requests map[string]int `json:"requests"`
	// RecordInfoPolls counts the questions of record-info by task id. Unknown
	// tasks are not in it.
	RecordInfoPolls map[string]int `json:"recordInfoPolls"`
	// Answers counts the answers of the API by code, or by HTTP status where there
	// is no code. 0 stands for connections closed without an answer.
	Answers map[int]int `json:"answers"`
	// MaxInWindow is the largest number of submissions in any rate window.
	MaxInWindow MaxInWindow `json:"maxInWindow"`
	// Refused429 is the number of answers with code 429.
	Refused429 int `json:"refused429"`
	// Callbacks is what became of the callbacks.
	Callbacks Callbacks `json:"callbacks"`
}

// MaxInWindow is the largest number of submissions in any sliding rate window.
type MaxInWindow struct {
	// Accepted counts the submissions that were accepted and paid.
	Accepted int `json:"accepted"`
	// Submissions counts all that arrived.
	Submissions int `json:"submissions"`
}

// Callbacks is what became of the callbacks.
type Callbacks struct {
	// Sent counts the tries that were answered or failed.
	Sent int `json:"sent"`
	// Acknowledged counts the tries answered with HTTP 200.
	Acknowledged int `json:"acknowledged"`
	// Refused counts the other ones, answered or not.
	Refused int `json:"refused"`
	// LastStatusByTask is the HTTP status of the last answer by task id, 0 for a
	// try without an answer.
	LastStatusByTask map[string]int `json:"lastStatusByTask"`
}

// TaskState is how far a task is.
type TaskState string

const (
	// TaskRunning has not finished, and may never.
	TaskRunning TaskState = "running"
	// TaskSucceeded has a video.
	TaskSucceeded TaskState = "succeeded"
	// TaskFailed has given its credits back.
	TaskFailed TaskState = "failed"
)

// Task is an accepted and paid generation.
type Task struct {
	ID     string `json:"id"`
	Model  string `json:"model"`
	Prompt string `json:"prompt"`
	// Attempt is the last path segment of the callback URL, empty without one.
	Attempt string `json:"attempt"`
	// Credits is the price, which a failed task has given back.
	Credits float64   `json:"credits"`
	State   TaskState `json:"state"`
	// CreatedAt is when it was accepted.
	CreatedAt time.Time `json:"createdAt"`
	// FinishedAt is zero while it is running.
	FinishedAt time.Time `json:"finishedAt,omitzero"`
}

// State returns a snapshot.
func (s *Simulator) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	s.ledger.settle(now)
	counted := &s.ledger.counters
	state := State{
		Tasks:           make([]Task, 0, len(s.ledger.tasks)),
		PaidTasks:       len(s.ledger.tasks),
		Balance:         s.ledger.roundedBalance(),
		Requests:        maps.Clone(counted.requests),
		RecordInfoPolls: make(map[string]int),
		Answers:         maps.Clone(counted.answers),
		MaxInWindow: MaxInWindow{
			Accepted:    counted.accepted.most,
			Submissions: counted.submitted.most,
		},
		Refused429: counted.answers[http.StatusTooManyRequests],
		Callbacks: Callbacks{
			Sent:             counted.callbacksSent,
			Acknowledged:     counted.callbacksAcknowledged,
			Refused:          counted.callbacksSent - counted.callbacksAcknowledged,
			LastStatusByTask: make(map[string]int),
		},
	}
	for _, t := range s.ledger.tasks {
		state.Tasks = append(state.Tasks, t.public(now))
		if t.polls > 0 {
			state.RecordInfoPolls[t.id] = t.polls
		}
		if t.sent {
			state.Callbacks.LastStatusByTask[t.id] = t.lastStatus
		}
	}
	return state
}

// public returns what others may know of the task at a time.
func (t *task) public(now time.Time) Task {
	public := Task{
		ID:        t.id,
		Model:     t.request.Model,
		Prompt:    t.request.Prompt,
		Attempt:   t.request.attempt(),
		Credits:   t.credits,
		State:     TaskRunning,
		CreatedAt: t.created,
	}
	if t.finished(now) {
		public.FinishedAt = t.finish
		public.State = TaskFailed
		if t.outcome.succeeded() {
			public.State = TaskSucceeded
		}
	}
	return public
}

// serveState serves GET /_sim/state.
func (s *Simulator) serveState(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encode(s.State()))
}
