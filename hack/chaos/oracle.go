// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// evidence is all that the oracle judges by.
type evidence struct {
	// videos are those that were applied, gone those of them that were deleted, again how often another purchase of
	// one was asked for.
	videos []video
	gone   map[types.NamespacedName]bool
	again  map[types.NamespacedName]int
	// resources are what the API server has at the end, departed what was deleted, as it was last.
	resources map[types.NamespacedName]*v1alpha1.VideoGeneration
	departed  map[types.UID]*v1alpha1.VideoGeneration
	// tasks and upgrades are what was paid for, arrivals the requests that have reached KIE.AI, by attempt.
	tasks    []bought
	upgrades []upgraded
	arrivals map[string]arrival
	// answers are how the callbacks of an attempt were answered; 0 for no answer. Those of muted ones got lost.
	answers map[string][]int
	muted   map[string]bool
	// files are the SHA-256 of what KIE.AI serves, by URL, stored those of what is stored, by URI.
	files, stored map[string]string
	// picture is the SHA-256 of the image that is uploaded.
	picture string
	// books are what the accounts say that they have spent, budgets what they may spend in a period.
	books   map[string][]period
	budgets map[string]int32
	// writers are the processes that have begun an attempt, lives all processes there were, outages the times in
	// which they could not reach the API server.
	writers map[string]string
	lives   []lifeRecord
	outages []outage
	// turns is since when a resource has its reason, events the reasons of the Events about it.
	turns  map[types.UID]turn
	events map[types.UID]map[string]bool
	// silent are the resources that did not say why they do not go on.
	silent []string
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
	// files are videos that are not stored as they should be, or still are.
	files []string
	// books are accounts that were paid for more than their books say.
	books []string
	// dropped are purchases that were begun and not made, though nothing worse than a SIGTERM happened.
	dropped []string
	// silent are resources that do not say why they do not go on.
	silent []string
	// tooFast are accounts with too many submissions in a window.
	tooFast     []string
	regressions []string
	leaks       []string
	trouble     []string

	// unknown are tasks that were paid for and given up as SubmissionUnknown, without that a callback has reached
	// the operator: nothing could have told it of them. They are no violation. meant counts those whose callbacks
	// were lost on purpose.
	unknown []string
	meant   int
	// unsold are resources that were given up as SubmissionUnknown and for which nothing was paid, expected those
	// of them that the simulator was told to leave in the dark.
	unsold, expected int
	// unsent are those that have not reached KIE.AI at all, by what happened to the process that began them.
	unsent map[fate]int
	// kept counts the accounts whose books were compared, unread has those with a period that was not read to its end.
	kept   int
	unread []string
	// safe counts the videos that are stored as they should be, swept those that were deleted with their resource.
	safe, swept int
	// adopted, pictured, mended and misled count the tasks that were taken over, the purchases with an uploaded image,
	// the purchases by name that were paid for, and the tasks whose answer a gateway gave.
	adopted, pictured, mended, misled int
	// unannounced counts the resources whose last Event died with its process.
	unannounced int
	// ends counts the reasons that the resources have ended with.
	ends map[string]int
}

// violations are the findings that must not be, by what they are called.
func (f *findings) violations() []category {
	return []category{
		{"duplicates", f.duplicates}, {"lost", f.lost}, {"wrong ends", f.wrong}, {"stuck", f.stuck}, {"vanished", f.vanished},
		{"files", f.files}, {"books", f.books}, {"dropped at SIGTERM", f.dropped}, {"silent", f.silent},
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
	f := &findings{
		ends: map[string]int{}, unsent: map[fate]int{},
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
			f.judgeVoice(v, vg, e)
		}
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

// ledgerOf sorts what was paid for, and finds what nobody has applied and what was
// bought twice for one attempt.
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
			f.trouble = append(f.trouble, fmt.Sprintf("task %s was paid for by nobody", task.ID))
		case !planned[name]:
			f.trouble = append(f.trouble, fmt.Sprintf("%s was bought, and nobody has applied it", name))
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
	f.mended += max(len(tasks)-v.attempts, 0)
}

// judgePicture sees that a purchase had the image of its ConfigMap.
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

// judgeTasks sees that the resource knows of all that was paid for it, as far as
// anything could have told it, and reports whether a task that it knows of has
// succeeded.
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
		case givenUp[task.Attempt] && !told(answers):
			f.unknown = append(f.unknown, fmt.Sprintf("%s: task %s, callbacks were answered %v", v, task.ID, answers))
		default:
			f.lost = append(f.lost, fmt.Sprintf("%s: %s does not know task %s (%s), callbacks were answered %v", v, reason, task.ID, task.State, answers))
		}
	}
	return succeeded
}

// judgeAdoption compares how a video has ended that has taken a task over with
// what became of that task: it buys nothing, and a task that does not exist is not
// found.
func (f *findings) judgeAdoption(v video, vg *v1alpha1.VideoGeneration, l ledger) {
	status, reason := reasonOf(vg)
	task, exists := l.byID[v.adopted]
	if status == metav1.ConditionUnknown {
		f.stuck = append(f.stuck, fmt.Sprintf("%s: %q, it has adopted task %s (%s)", v, reason, v.adopted, task.State))
		return
	}
	f.ends[reason]++
	f.adopted++
	right := reason == v1alpha1.ReasonTaskNotFound
	if exists {
		right = (status == metav1.ConditionTrue) == (task.State == kiesim.TaskSucceeded) && reason != v1alpha1.ReasonTaskNotFound &&
			vg.Status.Task != nil && vg.Status.Task.ID == v.adopted
	}
	if !right {
		f.wrong = append(f.wrong, fmt.Sprintf("%s: %s %s, it has adopted task %s (%q)", v, status, reason, v.adopted, task.State))
	}
}

// judgeIntents finds the purchases that were begun and never sent, and what
// happened to the process that began them: a SIGTERM is no reason.
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
