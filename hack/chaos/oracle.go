// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// judge compares what was paid for with what the resources say.
func judge(e evidence) *findings {
	f := &findings{
		ends: map[string]int{}, sent: map[fate]int{}, unsent: map[fate]int{},
		regressions: e.regressions, leaks: e.leaks, trouble: slices.Clone(e.trouble), silent: slices.Clone(e.silent),
	}
	l := f.ledgerOf(e)
	for _, v := range e.videos {
		f.judgeMoney(v, l, e)
		vg := e.resources[v.name]
		switch {
		case vg == nil && !e.gone[v.name]:
			f.vanished = append(f.vanished, v.name.String())
		case vg == nil:
		case v.kind.adopts():
			f.judgeAdoption(v, vg, l)
		default:
			f.judgeEnd(v, vg, l, e)
		}
		if vg != nil {
			f.judgeIntents(vg, e)
			f.judgeSilence(v, vg, e)
		}
	}
	for attempt, a := range e.arrivals {
		what, _ := fateOf(e.writers[attempt], a.at, e.lives, e.outages)
		f.sent[what]++
	}
	f.judgeBooks(e)
	f.judgeFiles(e)
	for account, fullest := range e.fullest {
		if fullest > maxSubmissions {
			f.tooFast = append(f.tooFast, fmt.Sprintf("%s: %d submissions in %v", account, fullest, submissionWindow))
		}
	}
	slices.Sort(f.trouble)
	slices.Sort(f.tooFast)
	return f
}

// ledger is what was paid for, by whom.
type ledger struct {
	tasks    map[types.NamespacedName][]bought
	byID     map[string]bought
	upgrades map[string][]upgraded
}

// ledgerOf sorts what was paid for by video, and finds purchases of videos that were
// never applied and attempts that were bought twice.
func (f *findings) ledgerOf(e evidence) ledger {
	l := ledger{tasks: map[types.NamespacedName][]bought{}, byID: map[string]bought{}, upgrades: map[string][]upgraded{}}
	planned := map[types.NamespacedName]bool{}
	for _, v := range e.videos {
		planned[v.name] = true
	}
	first := map[string]bought{}
	for _, task := range e.tasks {
		l.byID[task.ID] = task
		if before, ok := first[task.Attempt]; ok {
			f.duplicates = append(f.duplicates, fmt.Sprintf("attempt %s has bought %s and %s", task.Attempt, before.ID, task.ID))
		}
		first[task.Attempt] = task
		switch name, ok := nameIn(task.Prompt); {
		case !ok:
			f.trouble = append(f.trouble, fmt.Sprintf("task %s is of no video of this run", task.ID))
		case !planned[name]:
			f.trouble = append(f.trouble, fmt.Sprintf("%s was bought and never applied", name))
		default:
			l.tasks[name] = append(l.tasks[name], task)
		}
	}
	for _, upgrade := range e.upgrades {
		l.upgrades[upgrade.TaskID] = append(l.upgrades[upgrade.TaskID], upgrade)
	}
	return l
}

// judgeMoney compares what was paid for a video with what it may cost, whether
// or not it is still there.
func (f *findings) judgeMoney(v video, l ledger, e evidence) {
	tasks, allowed := l.tasks[v.name], v.attempts+e.again[v.name]
	if len(tasks) > allowed {
		f.duplicates = append(f.duplicates, fmt.Sprintf("%s was paid for %d times, allowed are %d", v, len(tasks), allowed))
	}
	for _, task := range tasks {
		if n := len(l.upgrades[task.ID]); n > 1 {
			f.duplicates = append(f.duplicates, fmt.Sprintf("%s: task %s was upgraded %d times", v, task.ID, n))
		}
		if v.kind == pictured {
			f.judgePicture(v, task, e)
		}
		if v.kind == misled {
			f.misled++
		}
	}
	if v.kind.boughtAgain() {
		f.mended += max(len(tasks)-v.attempts, 0)
	}
}

// judgePicture checks that a purchase had the image of its ConfigMap.
func (f *findings) judgePicture(v video, task bought, e evidence) {
	f.pictured++
	images := e.arrivals[task.Attempt].images
	if len(images) != 1 || e.files[images[0]] != e.picture {
		f.wrong = append(f.wrong, fmt.Sprintf("%s: task %s was bought with the images %q, none of which is that of the ConfigMap", v, task.ID, images))
	}
}

// judgeEnd compares how a video has ended with what became of its tasks.
func (f *findings) judgeEnd(v video, vg *v1alpha1.VideoGeneration, l ledger, e evidence) {
	tasks := l.tasks[v.name]
	status, reason := reasonOf(vg)
	switch {
	case status == metav1.ConditionUnknown:
		f.stuck = append(f.stuck, fmt.Sprintf("%s: %q, %d tasks were paid for", v, reason, len(tasks)))
		return
	case status == metav1.ConditionFalse && askedAgain(vg, vg):
		f.stuck = append(f.stuck, fmt.Sprintf("%s: %s, though it was asked to be bought again", v, reason))
		return
	}
	f.ends[reason]++
	succeeded := f.judgeTasks(v, vg, tasks, e)
	switch {
	case status == metav1.ConditionTrue && !succeeded:
		f.wrong = append(f.wrong, fmt.Sprintf("%s: %s, and no task of it has succeeded", v, reason))
	case status == metav1.ConditionFalse && succeeded:
		f.lost = append(f.lost, fmt.Sprintf("%s: %s, though a task of it has succeeded", v, reason))
	case status == metav1.ConditionTrue && !upgradesDone(v, vg, l.upgrades):
		f.wrong = append(f.wrong, fmt.Sprintf("%s: %s without its larger version", v, reason))
	case len(tasks) == 0 && reason == v1alpha1.ReasonSubmissionUnknown:
		if f.unsold++; v.kind == unsold {
			f.expected++
		}
	case len(tasks) == 0 && reason != v1alpha1.ReasonSourceFailed:
		f.wrong = append(f.wrong, fmt.Sprintf("%s: %s, and nothing was paid for", v, reason))
	}
}

// judgeTasks checks that the resource knows all tasks that were paid for it, except
// those of which no answer and no callback came through. It reports whether a task
// that the resource knows has succeeded.
func (f *findings) judgeTasks(v video, vg *v1alpha1.VideoGeneration, tasks []bought, e evidence) (succeeded bool) {
	_, reason := reasonOf(vg)
	known, givenUp := attemptsOf(vg)
	for _, task := range tasks {
		id, begun := known[task.Attempt]
		switch answers := e.answers[task.Attempt]; {
		case begun && id == task.ID:
			succeeded = succeeded || task.State == kiesim.TaskSucceeded
		case givenUp[task.Attempt] && e.muted[task.Attempt]:
			f.meant++
		case givenUp[task.Attempt] && !reachedOperator(answers):
			f.unknown = append(f.unknown, fmt.Sprintf("%s: task %s, callbacks were answered %v", v, task.ID, answers))
		default:
			f.lost = append(f.lost, fmt.Sprintf("%s: %s does not know task %s (%s), callbacks were answered %v", v, reason, task.ID, task.State, answers))
		}
	}
	return succeeded
}
