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
	// Upgrades are the accepted upgrades, oldest first.
	Upgrades []Upgrade `json:"upgrades"`
	// PaidUpgrades is the number of accepted upgrades.
	PaidUpgrades int `json:"paidUpgrades"`
	// Uploads are the files that clients brought.
	Uploads Uploads `json:"uploads"`
	// Balance is the credits that are left.
	Balance float64 `json:"balance"`
	// Requests counts the requests by endpoint: generate, extend, record-info,
	// get-1080p-video, get-4k-video, credit, download-url, upload, video,
	// uploaded-file and other.
	Requests map[string]int `json:"requests"`
	// Fetches counts the GETs of videos by the path of the URL, whatever the answer.
	Fetches map[string]int `json:"fetches"`
	// RecordInfoPolls counts the questions of record-info by task id. Unknown
	// tasks are not in it.
	RecordInfoPolls map[string]int `json:"recordInfoPolls"`
	// Answers counts the answers of the API by code, or by HTTP status where there
	// is no code. 0 stands for connections closed without an answer.
	Answers map[int]int `json:"answers"`
	// MaxInWindow is the largest number of generations and extensions in any rate
	// window.
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
	// try without an answer. Upgrades have theirs in Upgrade.
	LastStatusByTask map[string]int `json:"lastStatusByTask"`
}

// TaskState is how far a task or an upgrade is.
type TaskState string

const (
	// TaskRunning has not finished, and may never.
	TaskRunning TaskState = "running"
	// TaskSucceeded has a video.
	TaskSucceeded TaskState = "succeeded"
	// TaskFailed has given its credits back.
	TaskFailed TaskState = "failed"
)

// Operation is what was bought with a task.
type Operation string

const (
	// OperationGenerate is a new video.
	OperationGenerate Operation = "generate"
	// OperationExtend is a video that continues another.
	OperationExtend Operation = "extend"
)

// Task is an accepted and paid generation or extension.
type Task struct {
	ID        string    `json:"id"`
	Operation Operation `json:"operation"`
	// Extends is the id of the task that an extension continues.
	Extends string `json:"extends,omitempty"`
	Model   string `json:"model"`
	Prompt  string `json:"prompt"`
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

// Upgrade is one result of a task at a higher resolution, accepted and paid once,
// however often it was asked for.
type Upgrade struct {
	// TaskID is the task that it was made from, and Index says which of its results.
	TaskID string `json:"taskId"`
	Index  int    `json:"index"`
	// Resolution is 1080p or 4k.
	Resolution string `json:"resolution"`
	// ID is what KIE calls the upgrade: TaskID, unless its fate is a new one.
	ID string `json:"id"`
	// Attempt is the last path segment of the callback URL, empty without one.
	Attempt string `json:"attempt"`
	// Credits is the price, which a failed upgrade has given back.
	Credits float64   `json:"credits"`
	State   TaskState `json:"state"`
	// CreatedAt is when it was first asked for.
	CreatedAt time.Time `json:"createdAt"`
	// FinishedAt is zero while it is running.
	FinishedAt time.Time `json:"finishedAt,omitzero"`
	// CallbackStatus is the HTTP status of the last answer to its callback, 0 if
	// there was none.
	CallbackStatus int `json:"callbackStatus"`
}

// Uploads are the files that clients brought.
type Uploads struct {
	// Count is the number of uploads, including those that replaced a file.
	Count int `json:"count"`
	// Paths are the files, oldest first, including those that have expired.
	Paths []string `json:"paths"`
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
		Upgrades:        make([]Upgrade, 0, len(s.ledger.upgrades)),
		PaidUpgrades:    len(s.ledger.upgrades),
		Uploads:         Uploads{Count: s.ledger.uploads, Paths: append([]string{}, s.ledger.uploaded...)},
		Balance:         s.ledger.roundedBalance(),
		Requests:        maps.Clone(counted.requests),
		Fetches:         maps.Clone(counted.fetches),
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
	for _, u := range s.ledger.upgrades {
		public := u.public(now)
		public.CallbackStatus = u.lastStatus
		state.Upgrades = append(state.Upgrades, public)
		if u.polls > 0 {
			state.RecordInfoPolls[u.id] = u.polls
		}
	}
	return state
}

// public returns what others may know of the task at a time.
func (t *task) public(now time.Time) Task {
	public := Task{
		ID:        t.id,
		Operation: OperationGenerate,
		Extends:   t.request.Extends,
		Model:     t.request.Model,
		Prompt:    t.request.Prompt,
		Attempt:   t.attempt(),
		Credits:   t.credits,
		State:     t.state(now),
		CreatedAt: t.created,
	}
	if t.extends != nil {
		public.Operation = OperationExtend
	}
	if public.State != TaskRunning {
		public.FinishedAt = t.finish
	}
	return public
}

// serveState serves GET /_sim/state.
func (s *Simulator) serveState(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encode(s.State()))
}
