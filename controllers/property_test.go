//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/state"
)

// shards is how many stories are told at a time.
const shards = 6

// Whatever users do, KIE.AI does and fails in whatever order, the promises hold
// after each step, and when all trouble is over each resource comes to the end
// of its task.
func TestStories(t *testing.T) {
	var told tally
	t.Cleanup(func() {
		t.Log(told.String())
		for _, what := range wanted {
			if told.count[what] == 0 {
				t.Errorf("no story had %s", what)
			}
		}
	})
	for shard := range shards {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) { tell(t, &told) })
		})
	}
}

// wanted is what has to have happened in some story.
var wanted = []string{
	"purchases", "creations", "deletions", "edits", "suspensions", "resubmissions", "deliveries of KIE.AI's callbacks", "callbacks of others",
	"looks of a second leader", "restorations", "restorations with an older status", "stale caches", "deaths of the process", "writes gone wrong", "requests gone wrong",
	"adoptions of an own task", "adoptions of another's task", "adoptions of an unknown task", "adoptions of the same id again",
	"moves to another account", "deletions of an account", "creations of an account", "keys that came later", "keys that went",
	"leaders with another clock", "images", "changes of the storage", "finalizers of others", "emptied statuses",
	"pages of a gateway", "SIGTERMs", "frozen processes", "policies in force", "policies lifted",
}

// tally is what happened in all stories.
type tally struct {
	mu    sync.Mutex
	count map[string]int
}

func (c *tally) add(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == nil {
		c.count = map[string]int{}
	}
	c.count[what] += n
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(c.count)) {
		if what == "steps" || what == "stories" {
			continue
		}
		parts = append(parts, fmt.Sprintf("%d %s", c.count[what], what))
	}
	return fmt.Sprintf("%d steps in %d stories: %s", c.count["steps"], c.count["stories"], strings.Join(parts, ", "))
}

// story is a world in which things happen in an order that nobody chose.
type story struct {
	w     *world
	told  *tally
	limit int
	// unaskable says that an account, or its key, was away for a while.
	unaskable bool
	// may is how many tasks each prompt may have paid for, by what users asked for.
	may map[string]int
	// made is how many resources there were so far.
	made int
	// paused is a process that was stopped while it led, and takes itself for the leader still.
	paused *process
	// twoLeaders says that there was one.
	twoLeaders bool
	// bereft are the prompts of deleted resources: another process does not see what was bought for them.
	bereft map[string]bool
	// judged is how many tasks were looked at by the last check.
	judged int
	lore
}

func tell(t *rapid.T, told *tally) {
	s := &story{told: told, limit: rapid.IntRange(1, 3).Draw(t, "submissions"), may: map[string]int{}, bereft: map[string]bool{}}
	s.lore = lore{asked: map[string]int{}, rewritten: map[string]bool{}}
	opts := worldOptions{
		noCallbacks:  rapid.Float64Range(0, 1).Draw(t, "polling") < 0.2,
		paidMost:     1000, // the story knows better
		accountLimit: &v1alpha1.AccountLimits{Submissions: int32(s.limit), Window: metav1.Duration{Duration: 10 * time.Second}, InFlight: int32(rapid.IntRange(1, 4).Draw(t, "in flight"))},
		sim:          kiesim.Options{Latency: 70 * time.Second},
	}
	switch rapid.IntRange(0, 5).Draw(t, "storage") {
	case 0:
		opts.storage = inFolder(v1alpha1.DeletionRetain)
	case 1:
		opts.storage = inFolder(v1alpha1.DeletionDelete)
	}
	if rapid.Bool().Draw(t, "budget") {
		opts.budget = &v1alpha1.Budget{Credits: rapid.SampledFrom([]string{"120", "1000", "100000"}).Draw(t, "credits"), Period: metav1.Duration{Duration: 24 * time.Hour}}
	}
	s.unbudgeted = opts.budget == nil
	opts.accountsLater = 10 * time.Minute
	s.w = newWorld(t, opts)
	s.w.configMap("frames", map[string][]byte{"a.png": pngFile(t)})
	s.create(t)
	// What is there more than once happens more often.
	actions := s.people()
	maps.Copy(actions, map[string]func(*rapid.T){
		"":                     s.check,
		"create":               s.create,
		"delete":               s.delete,
		"restore":              s.restore,
		"edit":                 s.edit,
		"suspend or resume":    s.suspend,
		"buy again":            s.resubmit,
		"time passes 1":        s.pass,
		"time passes 2":        s.pass,
		"to the next event 1":  s.nextEvent,
		"to the next event 2":  s.nextEvent,
		"to the next event 3":  s.nextEvent,
		"look 1":               s.look,
		"look 2":               s.look,
		"look 3":               s.look,
		"look at everything 1": s.round,
		"look at everything 2": s.round,
		"look at everything 3": s.round,
		"look at everything 4": s.round,
		"look at everything 5": s.round,
		"look at everything 6": s.round,
		"look at everything 7": s.round,
		"look at everything 8": s.round,
		"look at everything 9": s.round,
		"KIE.AI is in trouble": s.trouble,
		"KIE.AI calls back 1":  s.deliver,
		"KIE.AI calls back 2":  s.deliver,
		"somebody calls back":  s.callBack,
		"a write goes wrong":   s.disturbWrite,
		"a request goes wrong": s.disturbRequest,
		"the cache is behind":  s.lag,
		"the process dies":     s.crash,
		"the process pauses":   s.stop,
		"the paused one looks": s.wake,
	})
	t.Repeat(actions)
	s.end(t)
}

// names are the resources that there are.
func (s *story) names() (names []string) {
	for key := range s.w.written.all() {
		if name, ok := strings.CutPrefix(key, "vg/"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// some draws a resource, if there is one.
func (s *story) some(t *rapid.T) (name string, ok bool) {
	names := s.names()
	if len(names) == 0 {
		return "", false
	}
	return rapid.SampledFrom(names).Draw(t, "name"), true
}

// someOne is some, as it is on the API server.
func (s *story) someOne(t *rapid.T) (vg *v1alpha1.VideoGeneration, ok bool) {
	name, ok := s.some(t)
	if !ok {
		return nil, false
	}
	return s.w.get(name), true
}

// step counts a step of the story. One that finds nothing to do does not count.
func (s *story) step(what string) {
	s.told.add("steps", 1)
	s.told.add(what, 1)
}

// markers are what KIE.AI may do to a task.
var markers = []string{
	"", "", "", "",
	"[sim:latency=1s]", "[sim:latency=20m]", "[sim:never-finish]",
	"[sim:fail=400]", "[sim:fail=500]", "[sim:fail=501]", "[sim:submit=422]", "[sim:submit=501]",
	"[sim:accept-then=drop]", "[sim:accept-then=500]", "[sim:accept-then=garbage]", "[sim:refuse-then=drop]", "[sim:refuse-then=500]",
	"[sim:record=null-for=3m]", "[sim:record-code=500-for=2m]", "[sim:fallback=used]",
	"[sim:4k-accept-then=drop]", "[sim:1080p-submit=404]",
	"[sim:accept-then=html-429]", "[sim:accept-then=html-401]", "[sim:refuse-then=html-403]", "[sim:4k-accept-then=html-431]",
	"[sim:latency=12m] [sim:record=null-after=4m-for=3m]", "[sim:latency=12m] [sim:record=does-not-exist-after=4m-for=20m]", "[sim:record-html=404-for=2m]",
}

// calls are how KIE.AI may call back.
var calls = []string{
	"", "", "",
	"[sim:callback=never]", "[sim:callback=early]", "[sim:callback=late=2m]", "[sim:callback=late=40m]", "[sim:callback=twice]", "[sim:callback=forged]",
	"[sim:callback=forged-failure]", "[sim:callback=bad-signature]", "[sim:callback=unsigned]", "[sim:callback=stale]", "[sim:callback=wrong-id]",
	"[sim:callback=mixed-ids]", "[sim:callback=garbage]",
}

func (s *story) create(t *rapid.T) {
	if len(s.names()) >= 4 {
		return // there are enough
	}
	s.step("creations")
	s.made++
	tries := rapid.Int32Range(1, 3).Draw(t, "tries")
	name := fmt.Sprintf("video-%d", s.made)
	vg := s.w.create(name, maxAttempts(tries), prompt(rapid.SampledFrom(markers).Draw(t, "fate")+rapid.SampledFrom(calls).Draw(t, "call")), func(vg *v1alpha1.VideoGeneration) {
		vg.Spec.Resolution = rapid.SampledFrom([]v1alpha1.Resolution{"", "", v1alpha1.Resolution1080p, v1alpha1.Resolution4K}).Draw(t, "resolution")
		if rapid.Bool().Draw(t, "fallback") {
			vg.Spec.EnableFallback = ptr.To(true)
		}
		if rapid.IntRange(0, 3).Draw(t, "ttl") == 0 {
			vg.Spec.TTLSecondsAfterFinished = ptr.To(rapid.Int32Range(0, 3600).Draw(t, "seconds"))
		}
		if names := s.names(); len(names) > 0 && rapid.IntRange(0, 4).Draw(t, "extends") == 0 {
			fixture.Extending(rapid.SampledFrom(names).Draw(t, "source"))(vg)
			vg.Spec.Resolution, vg.Spec.EnableFallback = "", nil
		} else if rapid.IntRange(0, 4).Draw(t, "image") == 0 {
			images(fromConfigMap("frames", "a.png"))(vg)
			s.told.add("images", 1)
		}
	})
	s.may[vg.Spec.Prompt] += int(tries)
}

func (s *story) delete(t *rapid.T) {
	vg, ok := s.someOne(t)
	if !ok || rapid.IntRange(0, 2).Draw(t, "spare") > 0 { // or there would be few that live
		return
	}
	s.step("deletions")
	s.bereft[vg.Spec.Prompt] = true
	s.w.must(client.IgnoreNotFound(s.w.live.Delete(s.w.t.Context(), vg)))
}

// restore deletes a resource and applies it again from a backup without its
// status, under its own name.
func (s *story) restore(t *rapid.T) {
	vg, ok := s.someOne(t)
	if !ok || len(vg.Finalizers) > 0 || vg.Annotations[v1alpha1.AnnotationTaskID] == "" {
		return // it would be another purchase, or has to wait
	}
	s.step("restorations")
	s.bereft[vg.Spec.Prompt] = true
	s.w.must(s.w.live.Delete(s.w.t.Context(), vg))
	s.w.must(s.w.live.Create(s.w.t.Context(), &v1alpha1.VideoGeneration{
		ObjectMeta: metav1.ObjectMeta{Namespace: vg.Namespace, Name: vg.Name, Annotations: vg.Annotations}, Spec: vg.Spec,
	}))
}

func (s *story) edit(t *rapid.T) {
	name, ok := s.some(t)
	if !ok {
		return
	}
	s.step("edits")
	s.w.update(name, func(vg *v1alpha1.VideoGeneration) {
		vg.Spec.Priority = ptr.To(rapid.Int32Range(0, 9).Draw(t, "priority"))
		vg.Spec.Timeout = &metav1.Duration{Duration: time.Duration(rapid.IntRange(10, 120).Draw(t, "minutes")) * time.Minute}
	})
}

func (s *story) suspend(t *rapid.T) {
	name, ok := s.some(t)
	if !ok {
		return
	}
	s.step("suspensions")
	s.w.update(name, func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = ptr.To(!state.IsSuspended(vg)) })
}

func (s *story) resubmit(t *rapid.T) {
	vg, ok := s.someOne(t)
	if !ok || vg.Status.Task == nil || vg.Annotations[v1alpha1.AnnotationResubmit] == vg.Status.Task.Attempt {
		return // there is nothing to buy again
	}
	s.step("resubmissions")
	s.may[vg.Spec.Prompt]++
	s.w.update(vg.Name, fixture.Resubmit)
}

func (s *story) pass(t *rapid.T) {
	s.step("jumps of the clock")
	s.w.clock.SetTime(s.w.clock.Now().Add(rapid.SampledFrom([]time.Duration{
		time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 35 * time.Minute, 3 * time.Hour,
	}).Draw(t, "time")))
}

func (s *story) nextEvent(*rapid.T) {
	next, some := s.w.nextEvent()
	if !some || !next.After(s.w.clock.Now()) {
		return // nothing is to come
	}
	s.step("jumps of the clock")
	s.w.clock.SetTime(next)
}

func (s *story) look(t *rapid.T) {
	name, ok := s.some(t)
	if !ok {
		return
	}
	s.step("looks")
	s.w.sync()
	key := types.NamespacedName{Namespace: s.w.namespace, Name: name}
	q := rapid.SampledFrom([]*queue{s.w.proc.queue, s.w.proc.queue, s.w.proc.storageQueue, s.w.proc.releaseQueue}).Draw(t, "reconciler")
	s.w.look(q, key)
}

func (s *story) round(*rapid.T) {
	s.step("looks at everything")
	s.w.round()
}

func (s *story) deliver(*rapid.T) {
	if next, some := s.w.sim.NextEvent(); !some || next.After(s.w.clock.Now()) {
		return // no callback is due
	}
	s.step("deliveries of KIE.AI's callbacks")
	s.w.sync()
	s.w.sim.Deliver(s.w.t.Context())
}

// trouble is what KIE.AI says to every purchase from now on, or that it is well again.
func (s *story) trouble(t *rapid.T) {
	s.step("changes of KIE.AI's mood")
	s.w.sim.SetFaults(rapid.SampledFrom([]kiesim.Faults{{}, {}, {}, {}, {}, {}, {Submit: 401}, {Submit: 402}, {Submit: 429}, {Submit: 455}, {RefuseThen: kiesim.RefuseThenDrop}, {AcceptThen: kiesim.AcceptThenDrop}}).Draw(t, "trouble"))
}

// callBack is somebody who knows an attempt, and perhaps the key.
func (s *story) callBack(t *rapid.T) {
	if s.w.opts.noCallbacks {
		return // nobody knows an attempt
	}
	var attempts, ids []string
	for _, name := range s.names() {
		if task := s.w.written.before(name, 0).Status.Task; task != nil {
			attempts = append(attempts, task.Attempt)
		}
	}
	for _, task := range s.w.sim.State().Tasks {
		ids = append(ids, task.ID)
	}
	if len(attempts) == 0 {
		return
	}
	s.step("callbacks of others")
	s.w.sync()
	attempt := rapid.SampledFrom(attempts).Draw(t, "attempt")
	id := rapid.SampledFrom(append(ids, fixture.OtherTaskID)).Draw(t, "task")
	key := rapid.SampledFrom([]string{fixture.HMACKey, "another key"}).Draw(t, "key")
	switch status := s.w.callBackWith(key, attempt, id); {
	case status == http.StatusOK && key != fixture.HMACKey:
		t.Errorf("a callback with a wrong signature was accepted")
	case status == http.StatusOK:
		s.kept(t, attempt, id)
	}
}

// kept holds after an acknowledged callback: it is stored, or changes nothing any more.
func (s *story) kept(t *rapid.T, attempt, id string) {
	for _, name := range s.names() {
		vg := s.w.written.before(name, 0)
		task, upgrade, receipt := vg.Status.Task, vg.Status.Upgrade, vg.Status.Callback
		if task == nil || (task.Attempt != attempt && (upgrade == nil || upgrade.Attempt != attempt)) {
			continue
		}
		if !task.Settled() && (receipt == nil || receipt.Attempt != attempt || receipt.TaskID != id) {
			t.Errorf("%s: the callback was acknowledged, and the receipt is %+v", name, receipt)
		}
	}
}

func (s *story) disturbWrite(t *rapid.T) {
	s.step("writes gone wrong")
	d := rapid.SampledFrom(disturbances).Draw(t, "disturbance")
	first := int(s.w.faults.writes.Load())
	s.w.faults.onEffect = nil
	s.w.faults.onWrite = func(n int, do func() error) error {
		if n > first && n <= first+d.times {
			return d.at(do)
		}
		return do()
	}
}

func (s *story) disturbRequest(t *rapid.T) {
	s.step("requests gone wrong")
	first := int(s.w.requests.Load())
	how := rapid.SampledFrom([]string{"does not arrive", "loses its answer", "loses the process"}).Draw(t, "how")
	s.w.onRequest = func(n int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
		switch {
		case n != first+1:
			serve.ServeHTTP(rw, r)
			return
		case how == "does not arrive":
		default:
			serve.ServeHTTP(httptest.NewRecorder(), r)
			s.w.dead.Store(how == "loses the process")
		}
		panic(http.ErrAbortHandler)
	}
}

func (s *story) lag(t *rapid.T) {
	s.step("stale caches")
	s.w.staleGets, s.w.behind = rapid.IntRange(1, 3).Draw(t, "looks"), rapid.IntRange(1, 3).Draw(t, "behind")
}

func (s *story) crash(*rapid.T) {
	s.step("deaths of the process")
	s.w.restart()
}

func (s *story) stop(*rapid.T) {
	s.step("pauses of the leader")
	s.paused = s.w.proc
	s.twoLeaders = true
	s.w.restart()
}

func (s *story) wake(t *rapid.T) {
	name, ok := s.some(t)
	if !ok || s.paused == nil {
		return
	}
	s.step("looks of a second leader")
	s.w.sync()
	s.w.reconcileWith(s.paused.queue, types.NamespacedName{Namespace: s.w.namespace, Name: name})
}

// check holds after each step.
func (s *story) check(t *rapid.T) {
	for _, regression := range s.w.written.regressions {
		t.Errorf("P5: an end did not stay: %s", regression)
	}
	tasks := s.w.sim.State().Tasks
	if len(tasks) == s.judged {
		return
	}
	s.judged = len(tasks)
	paid, attempts := map[string]int{}, map[string]int{}
	for _, task := range tasks {
		paid[task.Prompt]++
		attempts[task.Attempt]++
	}
	for prompt, n := range paid {
		if n > s.may[prompt] {
			t.Errorf("P1: %q was paid for %d times, and its users asked for %d", prompt, n, s.may[prompt])
		}
	}
	for attempt, n := range attempts {
		if attempt != "" && n > 1 {
			t.Errorf("P1: attempt %s was paid for %d times", attempt, n)
		}
	}
	if !s.twoLeaders && !s.otherClock {
		s.checkRate(t, tasks)
	}
}

// checkRate counts the purchases of an account in any 10 seconds, without those of
// deleted resources, which the next process does not know of.
func (s *story) checkRate(t *rapid.T, tasks []kiesim.Task) {
	payers := s.w.written.payers()
	byAccount := map[string][]kiesim.Task{}
	for _, task := range tasks {
		if account, known := payers[task.ID]; known && !s.bereft[task.Prompt] {
			byAccount[account] = append(byAccount[account], task)
		}
	}
	for account, tasks := range byAccount {
		for i := s.limit; i < len(tasks); i++ {
			if between := tasks[i].CreatedAt.Sub(tasks[i-s.limit].CreatedAt); between < 10*time.Second {
				t.Errorf("P6: %d tasks were bought on %s in %s", s.limit+1, account, between)
			}
		}
	}
}

// end lets all trouble pass, and holds when nothing happens any more.
func (s *story) end(t *rapid.T) {
	s.told.add("stories", 1)
	s.w.faults.onWrite, s.w.faults.onEffect, s.w.onRequest, s.w.staleGets = nil, nil, nil, 0
	s.w.sim.SetFaults(kiesim.Faults{})
	s.makePeace(t)
	for _, name := range s.names() {
		if vg := s.w.get(name); state.IsSuspended(vg) {
			s.w.update(name, func(vg *v1alpha1.VideoGeneration) { vg.Spec.Suspend = nil })
		}
	}
	s.w.run(50 * time.Hour)
	s.check(t)
	tasks := map[string]kiesim.Task{}
	for _, task := range s.w.sim.State().Tasks {
		tasks[task.ID] = task
	}
	s.told.add("purchases", len(tasks))
	s.told.add("writes of the operator", int(s.w.faults.writes.Load()))
	for _, name := range s.names() {
		vg := s.w.get(name)
		for _, problem := range fixture.LintStatus(vg) {
			t.Errorf("%s: %s", name, problem)
		}
		s.checkEnd(t, vg, tasks)
		s.checkPeople(t, vg)
	}
	s.checkRest(t)
}

// checkEnd compares the end of a resource with that of its task.
func (s *story) checkEnd(t *rapid.T, vg *v1alpha1.VideoGeneration, tasks map[string]kiesim.Task) {
	ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status == metav1.ConditionUnknown {
		// What is paid for and not finished is finished by the account that has bought it, and waits for it.
		paid := vg.Status.Task.Settled() || state.InFlight(vg.Status.Task)
		stranded := ready != nil && ready.Reason == v1alpha1.ReasonAccountNotFound && paid && !s.hasAccountOf(vg)
		if ready == nil || (!waitsForOthers(ready.Reason) && !stranded) {
			t.Errorf("P3: %s has come to no end: %+v, its task is %+v", vg.Name, ready, vg.Status.Task)
		}
		return
	}
	task := vg.Status.Task
	if task == nil || task.ID == "" {
		return
	}
	made, known := tasks[task.ID]
	if state.IsAdopted(task) && (!known || made.Prompt != vg.Spec.Prompt) {
		return // it is what its user named
	}
	switch {
	case !known:
		t.Errorf("P4: %s has task %s, which nobody bought", vg.Name, task.ID)
	case made.Prompt != vg.Spec.Prompt:
		t.Errorf("P5: %s has the task of %q", vg.Name, made.Prompt)
	case made.State == kiesim.TaskFailed && task.State == v1alpha1.TaskSucceeded, made.State == kiesim.TaskRunning && task.State == v1alpha1.TaskSucceeded:
		t.Errorf("P3: %s has succeeded, and its task is %s", vg.Name, made.State)
	case s.unaskable && state.FailedFor(task, v1alpha1.ReasonTaskExpired): // for 14 days there was no account to ask with, or no key
	case state.IsAdopted(task) && state.FailedFor(task, v1alpha1.ReasonTaskNotFound): // its record came later than an adopted one is waited for
	case made.State == kiesim.TaskSucceeded && task.State != v1alpha1.TaskSucceeded && !state.FailedFor(task, v1alpha1.ReasonTimedOut):
		t.Errorf("P3: the task of %s has succeeded, and it says %+v", vg.Name, ready)
	}
}

// waitsForOthers reports whether a resource may wait for something that no story
// brings: credits, a larger budget, or the video that it continues.
func waitsForOthers(reason string) bool {
	switch reason {
	case v1alpha1.ReasonWaitingForSource, v1alpha1.ReasonInsufficientCredits, v1alpha1.ReasonBudgetExhausted, v1alpha1.ReasonAccountMismatch, "PurchaseLimitReached":
		return true
	default:
		return false
	}
}
