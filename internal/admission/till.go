// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/utils/clock"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/state"
)

// Till has the books of all accounts. Each has a lock of its own: a purchase waits for
// those of its account only.
//
// Watch events keep it up to date: Update, Remove, UpdateAccount and RemoveAccount
// have to get every event, and Rebuild the whole cache before anything is bought. What
// a restart loses, the resources show.
//
// Turns names those whose turn it is. The till has no goroutine and no timer: whoever
// runs it asks after each signal of Changed, and at the time that Turns says.
type Till struct {
	clock clock.PassiveClock

	// mu is for what is below it. It is locked before the lock of a book, never while one is held.
	mu        sync.Mutex
	books     map[types.NamespacedName]*lockedBook
	sightings map[types.UID]*sighting
	// idle are the sightings that no book knows about, the longest idle first.
	idle []idleSighting

	wake wake
}

// lockedBook is the book of the account of that name, and its lock.
type lockedBook struct {
	key types.NamespacedName
	mu  sync.Mutex
	// uid is which account of that name it is; empty until it was seen.
	uid  types.UID
	book *book
}

// sighting is what the till has seen of a resource.
type sighting struct {
	// version is the newest resourceVersion.
	version string
	// gone says that it was deleted: a UID does not come back.
	gone bool
	// books are those that know the resource. There is more than one only while it moves.
	books []*lockedBook
	// looked says that its reconcile has asked for a place, or stepped aside: it knows whether it waits, and where.
	looked bool
	// idleAt is since when no book knows it; zero if one does.
	idleAt time.Time
}

type idleSighting struct {
	uid types.UID
	at  time.Time
}

// rememberedFor is how long the till remembers what it has seen of a resource that
// does not concern it any more, so that an older event does not bring it back.
const rememberedFor = 10 * time.Minute

// NewTill returns a till without accounts.
func NewTill(clk clock.PassiveClock) *Till {
	return &Till{
		clock: clk, books: map[types.NamespacedName]*lockedBook{}, sightings: map[types.UID]*sighting{}, wake: newWake(),
	}
}

// Update takes in a resource as an event has shown it. The same event again changes
// nothing, and one that is older than what was seen already is ignored.
func (t *Till) Update(vg *v1alpha1.VideoGeneration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.update(vg)
}

func (t *Till) update(vg *v1alpha1.VideoGeneration) {
	now, e := t.clock.Now(), entryOf(vg)
	t.forgetIdle(now)
	s := t.sightings[e.uid]
	if s != nil && (s.gone || isOlder(vg.ResourceVersion, s.version)) {
		return
	}
	if s == nil && !e.matters() {
		if e.gotBy.Add(longestWindow).After(now) && e.account.Name != "" {
			t.do(t.bookOf(e.account), func(b *book) { b.noteStranger(now, e) })
		}
		return // that is all there is to be remembered of what is finished
	}
	if s == nil {
		s = &sighting{}
		t.sightings[e.uid] = s
	}
	s.version = vg.ResourceVersion
	if e.account.Name != "" {
		s.add(t.bookOf(e.account))
	}
	e.presumed = e.queued && !s.looked
	for _, lb := range s.books {
		t.do(lb, func(b *book) { b.update(now, e) })
	}
	t.tidy(e.uid, s, now)
}

// Remove forgets a resource that is gone. What it has sent still counts in the window.
func (t *Till) Remove(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remove(uid)
}

func (t *Till) remove(uid types.UID) {
	now := t.clock.Now()
	t.forgetIdle(now)
	s := t.sightings[uid]
	if s == nil {
		return
	}
	s.gone = true
	for _, lb := range s.books {
		t.do(lb, func(b *book) { b.remove(uid) })
	}
	t.tidy(uid, s, now)
}

// Rebuild takes in all resources that there are; others are gone. The list must not be
// older than the events that were taken in.
func (t *Till) Rebuild(all []v1alpha1.VideoGeneration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	there := make(map[types.UID]bool, len(all))
	for i := range all {
		there[all[i].UID] = true
		t.update(&all[i])
	}
	for uid := range t.sightings {
		if !there[uid] {
			t.remove(uid)
		}
	}
}

// UpdateAccount takes in an account as an event has shown it: what it allows, and
// whether it can buy. What is known of an earlier account of its name is forgotten.
func (t *Till) UpdateAccount(account *v1alpha1.KieAccount) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	prices, unread := accounts.Readable(account, now)
	_, ready := accounts.ReadyAccount(account)
	closed := unread != nil || !ready || state.IsAccountSuspended(account)
	lb := t.bookOf(v1alpha1.IdentityOf(account).Key())
	t.do(lb, func(*book) {
		if lb.uid != "" && lb.uid != account.UID {
			lb.book = lb.book.replaced(now)
		}
		lb.uid = account.UID
		lb.book.setLimits(LimitsOf(account, prices))
		if lb.book.closed != closed {
			lb.book.closed, lb.book.stirred = closed, true
		}
	})
}

// RemoveAccount forgets an account that is gone. The resources that name it are
// remembered, for another one of its name.
func (t *Till) RemoveAccount(key types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	lb := t.books[key]
	if lb == nil {
		return
	}
	now, empty := t.clock.Now(), false
	t.do(lb, func(*book) {
		lb.book, lb.uid = lb.book.replaced(now), ""
		empty = len(lb.book.records) == 0
	})
	if !empty {
		return
	}
	delete(t.books, key)
	for _, s := range t.sightings {
		s.books = slices.DeleteFunc(s.books, func(other *lockedBook) bool { return other == lb })
	}
}

// Accounts is how many accounts are remembered.
func (t *Till) Accounts() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.books)
}

// Reserve decides whether a resource may buy on an account now and, if so, takes the
// place for the attempt in the same moment. Release gives a reserved place back, and
// Answered says what came of it. From the first call on the resource stands in the
// queue of this account, and of no other. Nothing but its turn may keep it from
// buying: StepAside says so if something does.
func (t *Till) Reserve(key types.NamespacedName, l limits, me *v1alpha1.VideoGeneration, price credits.Amount, attempt string) Verdict {
	now, e := t.clock.Now(), entryOf(me)
	t.mu.Lock()
	s := t.sightings[e.uid]
	if s == nil {
		s = &sighting{}
		t.sightings[e.uid] = s
	}
	if s.gone {
		t.mu.Unlock()
		return Verdict{} // nothing is bought for it
	}
	if !isOlder(me.ResourceVersion, s.version) {
		s.version = me.ResourceVersion // what is older does not take its request back
	}
	lb := t.bookOf(key)
	others := slices.DeleteFunc(slices.Clone(s.books), func(other *lockedBook) bool { return other == lb })
	for _, other := range others {
		t.do(other, func(b *book) { b.stepAside(e.uid) })
	}
	t.tidy(e.uid, s, now)
	s.add(lb)
	s.looked, s.idleAt = true, time.Time{}
	// The book is locked before the till is let go: a Remove that comes after this finds the resource in it.
	lb.mu.Lock()
	t.mu.Unlock()
	v := lb.book.reserve(now, l, e, price, attempt)
	t.unlock(lb)
	if v.Admitted && len(others) > 0 {
		t.leave(e.uid, others)
	}
	return v
}

// leave frees the places of a resource on accounts that it has left.
func (t *Till) leave(uid types.UID, left []*lockedBook) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, lb := range left {
		t.do(lb, func(b *book) { b.leave(uid) })
	}
	if s := t.sightings[uid]; s != nil {
		t.tidy(uid, s, t.clock.Now())
	}
}

// StepAside takes a resource out of the queue whose reconcile has found that it cannot
// buy for now, for another reason than its turn. It stands in the queue again when it
// asks for a place, and has to come back for that by itself.
func (t *Till) StepAside(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sightings[uid]
	if s == nil {
		return
	}
	s.looked = true
	for _, lb := range s.books {
		t.do(lb, func(b *book) { b.stepAside(uid) })
	}
	t.tidy(uid, s, t.clock.Now())
}

// bookOf returns the book of an account, a new one if there is none.
func (t *Till) bookOf(key types.NamespacedName) *lockedBook {
	lb := t.books[key]
	if lb == nil {
		lb = &lockedBook{key: key, book: newBook(key)}
		t.books[key] = lb
	}
	return lb
}

// do changes a book.
func (t *Till) do(lb *lockedBook, change func(*book)) {
	lb.mu.Lock()
	change(lb.book)
	t.unlock(lb)
}

// unlock ends a change of a book, and says so where it may be somebody's turn now.
func (t *Till) unlock(lb *lockedBook) {
	stirred := lb.book.stirred
	lb.mu.Unlock()
	if stirred {
		t.wake.stir(lb)
	}
}

// tidy forgets which books do not know a resource any more, and the resource after a
// while if none does.
func (t *Till) tidy(uid types.UID, s *sighting, now time.Time) {
	s.books = slices.DeleteFunc(s.books, func(lb *lockedBook) bool {
		lb.mu.Lock()
		defer lb.mu.Unlock()
		return !lb.book.knows(uid)
	})
	switch {
	case len(s.books) > 0:
		s.idleAt = time.Time{}
	case s.idleAt.IsZero():
		s.idleAt = now
		t.idle = append(t.idle, idleSighting{uid: uid, at: now})
	}
}

// forgetIdle forgets what no book has known about for long enough.
func (t *Till) forgetIdle(now time.Time) {
	for len(t.idle) > 0 && !t.idle[0].at.Add(rememberedFor).After(now) {
		first := t.idle[0]
		t.idle = t.idle[1:]
		if s := t.sightings[first.uid]; s != nil && s.idleAt.Equal(first.at) {
			delete(t.sightings, first.uid)
		}
	}
}

func (s *sighting) add(lb *lockedBook) {
	if !slices.Contains(s.books, lb) {
		s.books = append(s.books, lb)
	}
}

// isOlder reports whether a resourceVersion is known to be older than another one.
func isOlder(version, than string) bool {
	order, err := resourceversion.CompareResourceVersion(version, than)
	return err == nil && order < 0
}
