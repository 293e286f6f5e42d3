//go:build perturbation

// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	accountctl "github.com/kie-operator/kie-operator/controllers/account"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/state"
)

// lore is what a story remembers of what people have done, to know what is right later.
type lore struct {
	// asked is how often a user has asked a resource to adopt an id, by both.
	asked map[string]int
	// rewritten are the resources whose status somebody else has written.
	rewritten map[string]bool
	// unaccounted says that an account was deleted, with what it knew of its spending.
	unaccounted bool
	// unbudgeted says that there is, or was, an account without a budget.
	unbudgeted bool
	// otherClock says that a leader had another clock.
	otherClock bool
	inForce    []policy
}

// accountNames are the accounts of a story. The first is there from the beginning.
var accountNames = []string{v1alpha1.DefaultAccountName, "second", "third"}

const (
	// lateSecret has the keys of accounts that get them later, or lose them.
	lateSecret = "late-credentials"
	// otherFinalizer is one of somebody else.
	otherFinalizer = "example.com/hold"
)

// people are the steps in which people, and what stands between them and the
// operator, do what they do to real clusters.
func (s *story) people() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"adopt":                     s.adopt,
		"move to another account":   s.move,
		"delete an account":         s.deleteAccount,
		"create an account":         s.createAccount,
		"keys come later":           s.bringKeys,
		"keys go":                   s.takeKeys,
		"lead with another clock":   s.leadWithAnotherClock,
		"change the storage":        s.changeStorage,
		"hold with a finalizer":     s.hold,
		"empty the status":          s.empty,
		"restore an older status":   s.restoreOlder,
		"a gateway answers":         s.gateway,
		"SIGTERM at an effect":      s.terminate,
		"the process is frozen":     s.freeze,
		"a policy comes into force": s.impose,
		"policies are lifted":       s.lift,
	}
}

func (s *story) adopt(t *rapid.T) {
	vg, ok := s.someOne(t)
	if !ok {
		return
	}
	var own, others []string
	for _, task := range s.w.sim.State().Tasks {
		if task.Prompt == vg.Spec.Prompt {
			own = append(own, task.ID)
		} else {
			others = append(others, task.ID)
		}
	}
	what, id := "adoptions of an unknown task", fixture.OtherTaskID
	switch before := vg.Annotations[v1alpha1.AnnotationAdoptTaskID]; rapid.IntRange(0, 3).Draw(t, "which") {
	case 0:
		if len(own) == 0 {
			return
		}
		what, id = "adoptions of an own task", rapid.SampledFrom(own).Draw(t, "own")
	case 1:
		if len(others) == 0 {
			return
		}
		what, id = "adoptions of another's task", rapid.SampledFrom(others).Draw(t, "another")
	case 2:
		if before == "" {
			return
		}
		what, id = "adoptions of the same id again", before
		s.w.update(vg.Name, func(vg *v1alpha1.VideoGeneration) { delete(vg.Annotations, v1alpha1.AnnotationAdoptTaskID) })
		if rapid.Bool().Draw(t, "seen meanwhile") {
			s.w.round()
		}
	}
	s.step(what)
	s.asked[vg.Name+" "+id]++
	if !s.w.isGone(vg.Name) {
		s.w.update(vg.Name, fixture.Annotated(v1alpha1.AnnotationAdoptTaskID, id))
	}
}

func (s *story) move(t *rapid.T) {
	vg, ok := s.someOne(t)
	if !ok {
		return
	}
	s.step("moves to another account")
	account := rapid.SampledFrom(accountNames).Draw(t, "account")
	again := vg.Status.Task != nil && vg.Annotations[v1alpha1.AnnotationResubmit] != vg.Status.Task.Attempt && rapid.Bool().Draw(t, "buy again")
	if again {
		s.may[vg.Spec.Prompt]++
	}
	s.w.update(vg.Name, func(now *v1alpha1.VideoGeneration) {
		now.Spec.AccountRef = &v1alpha1.AccountReference{Name: account}
		if again {
			metav1.SetMetaDataAnnotation(&now.ObjectMeta, v1alpha1.AnnotationResubmit, vg.Status.Task.Attempt)
		}
	})
}

// accounts are those that there are.
func (s *story) accounts() (names []string) {
	for key := range s.w.written.all() {
		if name, ok := strings.CutPrefix(key, "ka/"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (s *story) deleteAccount(t *rapid.T) {
	names := s.accounts()
	if len(names) == 0 || rapid.IntRange(0, 2).Draw(t, "spare") > 0 {
		return
	}
	s.step("deletions of an account")
	s.unaccounted, s.unaskable = true, true
	name := rapid.SampledFrom(names).Draw(t, "account")
	s.w.must(s.w.live.Delete(s.w.t.Context(), &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: s.w.namespace, Name: name}}))
}

func (s *story) createAccount(t *rapid.T) {
	name := rapid.SampledFrom(accountNames).Draw(t, "account")
	if slices.Contains(s.accounts(), name) {
		return
	}
	s.step("creations of an account")
	secret := rapid.SampledFrom([]string{"kie-credentials", "kie-credentials", lateSecret}).Draw(t, "secret")
	var budget *v1alpha1.Budget
	if rapid.Bool().Draw(t, "budget") {
		budget = ample
	}
	s.newAccount(name, secret, budget)
}

// newAccount makes an account with the limits of the story.
func (s *story) newAccount(name, secret string, budget *v1alpha1.Budget) {
	s.w.createAccount(name, secret, budget)
	s.unbudgeted = s.unbudgeted || budget == nil
	account := &v1alpha1.KieAccount{}
	s.w.must(s.w.live.Get(s.w.t.Context(), types.NamespacedName{Namespace: s.w.namespace, Name: name}, account))
	before := account.DeepCopy()
	account.Spec.Limits = *s.w.opts.accountLimit
	account.Spec.Storage = s.w.rooted(s.w.opts.storage)
	s.w.must(s.w.live.Patch(s.w.t.Context(), account, client.MergeFrom(before)))
}

func (s *story) hasLateKeys() bool {
	err := s.w.live.Get(s.w.t.Context(), types.NamespacedName{Namespace: s.w.namespace, Name: lateSecret}, &corev1.Secret{})
	s.w.must(client.IgnoreNotFound(err))
	return !apierrors.IsNotFound(err)
}

func (s *story) bringKeys(*rapid.T) {
	if s.hasLateKeys() {
		return
	}
	s.step("keys that came later")
	s.w.createCredentials(lateSecret)
}

func (s *story) takeKeys(*rapid.T) {
	if !s.hasLateKeys() {
		return
	}
	s.step("keys that went")
	s.unaskable = true
	s.w.must(s.w.live.Delete(s.w.t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.w.namespace, Name: lateSecret}}))
}

func (s *story) leadWithAnotherClock(t *rapid.T) {
	s.step("leaders with another clock")
	s.otherClock, s.w.otherClock = true, true
	s.w.skew = rapid.SampledFrom([]time.Duration{-15 * time.Minute, 0, 15 * time.Minute}).Draw(t, "ahead")
	s.w.restart()
}

func (s *story) changeStorage(t *rapid.T) {
	if !slices.Contains(s.accounts(), v1alpha1.DefaultAccountName) {
		return
	}
	s.step("changes of the storage")
	s.w.setStorage(rapid.SampledFrom([]*v1alpha1.Storage{nil, inFolder(v1alpha1.DeletionRetain), inFolder(v1alpha1.DeletionDelete)}).Draw(t, "storage"))
}

func (s *story) hold(t *rapid.T) {
	vg, ok := s.someOne(t)
	if !ok {
		return
	}
	held := slices.Contains(vg.Finalizers, otherFinalizer)
	if !held && !vg.DeletionTimestamp.IsZero() {
		return // it is too late
	}
	s.step("finalizers of others")
	if held {
		s.letGo(vg.Name)
	} else {
		s.w.update(vg.Name, func(vg *v1alpha1.VideoGeneration) { vg.Finalizers = append(vg.Finalizers, otherFinalizer) })
	}
}

func (s *story) letGo(name string) {
	s.w.update(name, func(vg *v1alpha1.VideoGeneration) {
		vg.Finalizers = slices.DeleteFunc(vg.Finalizers, func(f string) bool { return f == otherFinalizer })
	})
}

// accountedFor reports whether the annotations of a resource name what was bought
// for it, so that nothing is bought in its place.
func accountedFor(vg *v1alpha1.VideoGeneration) bool {
	return vg.Annotations[v1alpha1.AnnotationTaskID] != "" || vg.Annotations["kie-operator.github.io/attempt"] != ""
}

// forgets notes that a resource does not know any more what was bought for it, so
// that it may be bought anew where nothing else says so.
func (s *story) forgets(vg *v1alpha1.VideoGeneration) {
	s.rewritten[vg.Name] = true
	if !accountedFor(vg) && (len(s.inForce) > 0 || s.bereft[vg.Spec.Prompt]) {
		s.may[vg.Spec.Prompt] += int(vg.Spec.Retry.MaxAttempts)
	}
}

func (s *story) empty(t *rapid.T) {
	vg, ok := s.someOne(t)
	if !ok {
		return
	}
	s.step("emptied statuses")
	s.forgets(vg)
	s.w.takeStatus(vg.Name)
}

// restoreOlder deletes a resource and restores it as it was some time ago, with
// its status.
func (s *story) restoreOlder(t *rapid.T) {
	vg, ok := s.someOne(t)
	if !ok || len(vg.Finalizers) > 0 || !vg.DeletionTimestamp.IsZero() {
		return
	}
	s.step("restorations with an older status")
	older := s.w.written.before(vg.Name, rapid.IntRange(0, 6).Draw(t, "behind"))
	s.bereft[vg.Spec.Prompt] = true
	s.rewritten[vg.Name] = true
	// Whatever was bought since the backup, or was about to be, may be bought again: see docs/reliability.md.
	s.may[vg.Spec.Prompt] += int(vg.Spec.Retry.MaxAttempts)
	s.w.must(s.w.live.Delete(s.w.t.Context(), vg))
	restored := &v1alpha1.VideoGeneration{
		ObjectMeta: metav1.ObjectMeta{Namespace: vg.Namespace, Name: vg.Name, Annotations: older.Annotations}, Spec: older.Spec,
	}
	s.w.must(s.w.live.Create(s.w.t.Context(), restored))
	before := restored.DeepCopy()
	restored.Status = older.DeepCopy().Status
	s.w.must(s.w.live.Status().Patch(s.w.t.Context(), restored, client.MergeFrom(before)))
}

func (s *story) gateway(t *rapid.T) {
	s.step("pages of a gateway")
	status := rapid.SampledFrom(pageStatuses).Draw(t, "status")
	made := rapid.Bool().Draw(t, "made")
	of := rapid.SampledFrom([]string{"", "generate", "record-info", "get-4k-video"}).Draw(t, "of")
	answered := false
	s.w.onRequest = func(_ int, rw http.ResponseWriter, r *http.Request, serve http.Handler) {
		if kind := kindOf(r); answered || kind == "video" || kind == "object" || (of != "" && kind != of) {
			serve.ServeHTTP(rw, r)
			return
		}
		answered = true
		if made {
			serve.ServeHTTP(httptest.NewRecorder(), r)
		}
		answerPage(rw, r, status)
	}
}

// atNext does something at the next write of the operator.
func (s *story) atNext(at func(write) error) {
	s.w.faults.onWrite = nil
	s.w.atEffect(1, at)
}

func (s *story) terminate(t *rapid.T) {
	s.step("SIGTERMs")
	heard := rapid.Bool().Draw(t, "heard")
	s.atNext(func(e write) error {
		err := e.do()
		s.w.sigterm()
		if err == nil && !heard {
			err = e.ctx.Err()
		}
		return err
	})
}

func (s *story) freeze(t *rapid.T) {
	s.step("frozen processes")
	d := rapid.SampledFrom([]time.Duration{30 * time.Second, 3 * time.Minute, 40 * time.Minute}).Draw(t, "for")
	s.atNext(func(e write) error { defer s.w.freeze(d); return e.do() })
}

func (s *story) impose(t *rapid.T) {
	p := rapid.SampledFrom(policies).Draw(t, "policy")
	if slices.Contains(s.inForce, p) || len(s.inForce) > 1 {
		return
	}
	s.step("policies in force")
	s.w.impose(p)
	s.inForce = append(s.inForce, p)
}

func (s *story) lift(*rapid.T) {
	if len(s.inForce) == 0 {
		return
	}
	s.step("policies lifted")
	for _, p := range s.inForce {
		s.w.lift(p)
	}
	s.inForce = nil
}

// makePeace ends what people have begun: policies are lifted, keys are there, and
// whoever has no account gets it back, or buys with another one.
func (s *story) makePeace(t *rapid.T) {
	for _, p := range s.inForce {
		s.w.lift(p)
	}
	s.inForce = nil
	if !s.hasLateKeys() {
		s.w.createCredentials(lateSecret)
	}
	if s.w.skew != 0 {
		s.w.skew = 0
		s.w.restart()
	}
	for _, name := range s.names() {
		if vg := s.w.get(name); slices.Contains(vg.Finalizers, otherFinalizer) {
			s.letGo(name)
		}
	}
	there := s.accounts()
	if len(there) == 0 || rapid.Bool().Draw(t, "accounts come back") {
		for _, name := range accountNames {
			if !slices.Contains(there, name) {
				s.newAccount(name, "kie-credentials", nil)
			}
		}
		return
	}
	s.w.run(time.Minute)
	for _, name := range s.names() {
		vg := s.w.get(name)
		bought := vg.Status.Account
		named := vg.Spec.AccountRef != nil && !slices.Contains(there, vg.Spec.AccountRef.Name)
		defaulted := vg.Spec.AccountRef == nil && !slices.Contains(there, v1alpha1.DefaultAccountName)
		if !named && !defaulted && (bought.IsZero() || slices.Contains(there, bought.Name)) {
			continue
		}
		s.w.update(name, func(now *v1alpha1.VideoGeneration) {
			now.Spec.AccountRef = &v1alpha1.AccountReference{Name: there[0]}
			if task := vg.Status.Task; task != nil && !task.Settled() {
				s.may[vg.Spec.Prompt]++
				metav1.SetMetaDataAnnotation(&now.ObjectMeta, v1alpha1.AnnotationResubmit, task.Attempt)
			}
		})
	}
}

// checkPeople holds at the end: what a user asked for has acted once for each time
// that it was asked, and who does not go on says why.
func (s *story) checkPeople(t *rapid.T, vg *v1alpha1.VideoGeneration) {
	// An Event may be lost with the process, or with the answer to the write that it tells of.
	if problem := s.w.unexplained(vg); problem != "" {
		t.Errorf("P9: %s", problem)
	}
	if s.rewritten[vg.Name] || s.bereft[vg.Spec.Prompt] {
		return
	}
	acted := map[string]int{}
	var last v1alpha1.VideoGenerationStatus
	for _, version := range s.w.written.historyOf(vg) {
		task := version.Status.Task
		// Where nothing came of another purchase, the task before it is put back.
		putBack := task != nil && slices.ContainsFunc(last.History, func(past v1alpha1.PastTask) bool { return past.Attempt == task.Attempt && past.ID == task.ID })
		if state.IsAdopted(task) && !putBack && (!state.IsAdopted(last.Task) || last.Task.ID != task.ID || last.Task.Attempt != task.Attempt) {
			acted[task.ID]++
		}
		last = version.Status
	}
	for id, n := range acted {
		if asked := s.asked[vg.Name+" "+id]; n > asked {
			t.Errorf("P8: %s has adopted %s %d times, and its user asked for it %d times", vg.Name, id, n, asked)
		}
	}
}

// checkRest holds at the end: nobody is forgotten, and the books have what was paid.
func (s *story) checkRest(t *rapid.T) {
	for _, problem := range s.w.forgotten() {
		t.Errorf("P3: %s", problem)
	}
	if s.unaccounted || s.twoLeaders {
		return
	}
	if s.unbudgeted && (len(s.rewritten) > 0 || len(s.bereft) > 0) {
		return // what an account without a budget has spent is counted by the statuses that there are
	}
	for range 3 {
		s.w.pass(accountctl.BalanceEvery)
	}
	if problem := s.w.unbooked(); problem != "" {
		t.Errorf("P1: %s", problem)
	}
}

// hasAccountOf reports whether the account is there that has bought the video.
func (s *story) hasAccountOf(vg *v1alpha1.VideoGeneration) bool {
	return !vg.Status.Account.IsZero() && slices.Contains(s.accounts(), vg.Status.Account.Name)
}
