// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// evidence is all that the oracle judges by.
type evidence struct {
	// videos are those that were applied, gone those of them that were deleted.
	videos []video
	gone   map[types.NamespacedName]bool
	// resources are what the API server has at the end.
	resources map[types.NamespacedName]*v1alpha1.VideoGeneration
	// tasks and upgrades are what was paid for.
	tasks    []kiesim.Task
	upgrades []kiesim.Upgrade
	// answers are how the callbacks of an attempt were answered; 0 for no answer.
	answers map[string][]int
	// fullest is the largest number of submissions in any window, by account.
	fullest map[string]int
	// regressions are the resources that have left a final state.
	regressions []string
	// leaks are the secrets in logs.
	leaks []string
	// trouble is whatever else must not happen.
	trouble []string
}

// findings are what the oracle has found. Each line names one offender.
type findings struct {
	// duplicates are purchases beyond what was allowed.
	duplicates []string
	// lost are tasks that were paid for and that their resource does not know, or of which it has no result.
	lost []string
	// wrong are resources that have ended otherwise than their tasks.
	wrong []string
	// stuck are resources that are not at rest.
	stuck []string
	// vanished are resources that are not there, though nobody has deleted them.
	vanished []string
	// tooFast are accounts with too many submissions in a window.
	tooFast     []string
	regressions []string
	leaks       []string
	trouble     []string

	// unknown are tasks that were paid for and given up as SubmissionUnknown, without that a callback has reached
	// the operator: nothing could have told it of them. They are no violation.
	unknown []string
	// unsold are resources that were given up as SubmissionUnknown and for which nothing was paid, expected those
	// of them that the simulator was told to leave in the dark.
	unsold, expected int
	// ends counts the reasons that the resources have ended with.
	ends map[string]int
}

// violations are the findings that must not be, by what they are called.
func (f *findings) violations() []category {
	return []category{
		{"duplicates", f.duplicates}, {"lost", f.lost}, {"wrong ends", f.wrong}, {"stuck", f.stuck}, {"vanished", f.vanished},
		{"too fast", f.tooFast}, {"regressions", f.regressions}, {"leaks", f.leaks}, {"trouble", f.trouble},
	}
}

// category is one kind of violation.
type category struct {
	name      string
	offenders []string
}

// judge compares what was paid for with what the resources say.
func judge(e evidence) *findings {
	f := &findings{ends: map[string]int{}, regressions: e.regressions, leaks: e.leaks, trouble: e.trouble}
	tasks, planned := map[types.NamespacedName][]kiesim.Task{}, map[types.NamespacedName]bool{}
	for _, task := range e.tasks {
		name, ok := nameIn(task.Prompt)
		if !ok {
			f.trouble = append(f.trouble, fmt.Sprintf("task %s was paid for by nobody", task.ID))
			continue
		}
		tasks[name] = append(tasks[name], task)
	}
	upgrades := map[string][]kiesim.Upgrade{}
	for _, upgrade := range e.upgrades {
		upgrades[upgrade.TaskID] = append(upgrades[upgrade.TaskID], upgrade)
	}
	f.duplicates = append(f.duplicates, boughtTwice(e.tasks)...)
	for _, v := range e.videos {
		planned[v.name] = true
		f.judgeMoney(v, tasks[v.name], upgrades)
		vg := e.resources[v.name]
		switch {
		case vg != nil:
			f.judgeEnd(v, vg, tasks[v.name], upgrades, e.answers)
		case !e.gone[v.name]:
			f.vanished = append(f.vanished, v.name.String())
		}
	}
	for name := range tasks {
		if !planned[name] {
			f.trouble = append(f.trouble, fmt.Sprintf("%s was bought, and nobody has applied it", name))
		}
	}
	for account, fullest := range e.fullest {
		if fullest > maxSubmissions {
			f.tooFast = append(f.tooFast, fmt.Sprintf("%s: %d submissions in %v", account, fullest, submissionWindow))
		}
	}
	slices.Sort(f.trouble)
	slices.Sort(f.tooFast)
	return f
}

// boughtTwice lists the attempts for which there is more than one task.
func boughtTwice(tasks []kiesim.Task) (twice []string) {
	first := map[string]kiesim.Task{}
	for _, task := range tasks {
		if before, ok := first[task.Attempt]; ok {
			twice = append(twice, fmt.Sprintf("attempt %s has bought %s and %s", task.Attempt, before.ID, task.ID))
			continue
		}
		first[task.Attempt] = task
	}
	return twice
}

// judgeMoney compares what was paid for a video with what it may cost, whether
// or not it is still there.
func (f *findings) judgeMoney(v video, tasks []kiesim.Task, upgrades map[string][]kiesim.Upgrade) {
	if len(tasks) > v.attempts {
		f.duplicates = append(f.duplicates, fmt.Sprintf("%s (%s) was paid for %d times, allowed are %d", v.name, v.kind, len(tasks), v.attempts))
	}
	for _, task := range tasks {
		if n := len(upgrades[task.ID]); n > 1 {
			f.duplicates = append(f.duplicates, fmt.Sprintf("%s (%s): task %s was upgraded %d times", v.name, v.kind, task.ID, n))
		}
	}
}

// judgeEnd compares how a video has ended with what became of its tasks.
func (f *findings) judgeEnd(v video, vg *v1alpha1.VideoGeneration, tasks []kiesim.Task, upgrades map[string][]kiesim.Upgrade, answers map[string][]int) {
	status, reason := reasonOf(vg)
	if status == metav1.ConditionUnknown {
		f.stuck = append(f.stuck, fmt.Sprintf("%s (%s): %q, %d tasks were paid for", v.name, v.kind, reason, len(tasks)))
		return
	}
	f.ends[reason]++
	known, givenUp := attemptsOf(vg)
	var succeeded bool
	for _, task := range tasks {
		id, begun := known[task.Attempt]
		switch {
		case begun && id == task.ID:
			succeeded = succeeded || task.State == kiesim.TaskSucceeded
		case givenUp[task.Attempt] && !told(answers[task.Attempt]):
			f.unknown = append(f.unknown, fmt.Sprintf("%s (%s): task %s, callbacks were answered %v", v.name, v.kind, task.ID, answers[task.Attempt]))
		default:
			f.lost = append(f.lost, fmt.Sprintf("%s (%s): %s does not know task %s (%s), callbacks were answered %v",
				v.name, v.kind, reason, task.ID, task.State, answers[task.Attempt]))
		}
	}
	switch {
	case status == metav1.ConditionTrue && !succeeded:
		f.wrong = append(f.wrong, fmt.Sprintf("%s (%s): %s, and no task of it has succeeded", v.name, v.kind, reason))
	case status == metav1.ConditionFalse && succeeded:
		f.lost = append(f.lost, fmt.Sprintf("%s (%s): %s, though a task of it has succeeded", v.name, v.kind, reason))
	case status == metav1.ConditionTrue && !upgradesDone(v, vg, upgrades):
		f.wrong = append(f.wrong, fmt.Sprintf("%s (%s): %s without its larger version", v.name, v.kind, reason))
	case len(tasks) == 0 && reason == v1alpha1.ReasonSubmissionUnknown:
		if f.unsold++; v.kind == unsold {
			f.expected++
		}
	case len(tasks) == 0 && reason != v1alpha1.ReasonSourceFailed:
		f.wrong = append(f.wrong, fmt.Sprintf("%s (%s): %s, and nothing was paid for", v.name, v.kind, reason))
	}
}

// upgradesDone reports whether the video has the upgrade that it is to have.
func upgradesDone(v video, vg *v1alpha1.VideoGeneration, upgrades map[string][]kiesim.Upgrade) bool {
	if v.kind != fullHD && v.kind != ultraHD {
		return true
	}
	return slices.ContainsFunc(upgrades[vg.Status.Task.ID], func(u kiesim.Upgrade) bool { return u.State == kiesim.TaskSucceeded })
}

// attemptsOf returns the task of each attempt that the resource knows of, and
// which of them were given up without one.
func attemptsOf(vg *v1alpha1.VideoGeneration) (known map[string]string, givenUp map[string]bool) {
	known, givenUp = map[string]string{}, map[string]bool{}
	for _, past := range vg.Status.History {
		known[past.Attempt] = past.ID
		givenUp[past.Attempt] = past.ID == ""
	}
	if task := vg.Status.Task; task != nil {
		known[task.Attempt] = task.ID
		givenUp[task.Attempt] = task.ID == "" && task.Failure != nil && task.Failure.Reason == v1alpha1.ReasonSubmissionUnknown
	}
	return known, givenUp
}

// told reports whether a callback has reached the operator: it has acknowledged
// it, or refused it for what it says. What it was too busy for, or what never
// came through to it, has told it nothing.
func told(answers []int) bool {
	return slices.ContainsFunc(answers, func(status int) bool {
		return status >= http.StatusOK && status < http.StatusInternalServerError
	})
}
