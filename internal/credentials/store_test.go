// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package credentials_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credentials"
)

// vault is a client that answers every get with the same Secret or the same error, and
// counts them.
type vault struct {
	client.Reader

	mu    sync.Mutex
	key   string
	err   error
	gets  int
	asked types.NamespacedName
	hold  chan struct{} // if set, a get waits until it is closed
}

func (v *vault) Get(ctx context.Context, name client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	v.mu.Lock()
	v.gets++
	v.asked = name
	key, err, hold := v.key, v.err, v.hold
	v.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err != nil {
		return err
	}
	object.(*corev1.Secret).Data = map[string][]byte{v1alpha1.SecretKeyAPIKey: []byte(key)}
	return nil
}

func (v *vault) set(key string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.key, v.err = key, err
}

func (v *vault) reads() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.gets
}

var (
	secrets   = schema.GroupResource{Resource: "secrets"}
	notFound  = apierrors.NewNotFound(secrets, "kie-credentials")
	forbidden = apierrors.NewForbidden(secrets, "kie-credentials", errors.New("no"))
	transient = apierrors.NewServiceUnavailable("starting")
)

func newAccount(uid types.UID, secret string) *v1alpha1.KieAccount {
	return &v1alpha1.KieAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: "studio", Name: "default", UID: uid},
		Spec:       v1alpha1.KieAccountSpec{CredentialsSecretRef: v1alpha1.SecretReference{Name: secret}},
	}
}

func newStore(v *vault) (*credentials.Store, *clocktesting.FakePassiveClock) {
	clock := clocktesting.NewFakePassiveClock(time.Unix(1769670760, 0))
	return credentials.NewStore(v, clock), clock
}

// call is Get or Refresh, with what is expected of it.
type call struct {
	reason  string
	after   time.Duration // on the clock, since the call before
	refresh bool
	key     string // what the Secret holds now
	err     error  // what reading it fails with now
	want    string
	wantErr string // the reason of an *Error, or "other"
	reads   int    // in all
}

func TestStoreOverTime(t *testing.T) {
	for name, calls := range map[string][]call{
		"age": {
			{reason: "the first call reads", key: "1", want: "1", reads: 1},
			{reason: "a call soon after does not", after: time.Second, key: "2", want: "1", reads: 1},
			{reason: "nor one within 30 seconds", after: 28 * time.Second, key: "2", want: "1", reads: 1},
			{reason: "one after that does", after: time.Second, key: "2", want: "2", reads: 2},
			{reason: "and again it is good for 30 seconds", after: 29 * time.Second, key: "3", want: "2", reads: 2},
		},
		"refresh": {
			{reason: "there is nothing in memory", refresh: true, key: "1", want: "1", reads: 1},
			{reason: "within a second there is no second read", after: 999 * time.Millisecond, refresh: true, key: "2", want: "1", reads: 1},
			{reason: "after a second there is", after: time.Millisecond, refresh: true, key: "2", want: "2", reads: 2},
			{reason: "Get has what Refresh read", key: "3", want: "2", reads: 2},
			{reason: "a failure is not hidden", after: time.Second, refresh: true, err: transient, wantErr: "other", reads: 3},
			{reason: "nor repeated within the second", after: 500 * time.Millisecond, refresh: true, key: "3", wantErr: "other", reads: 3},
			{reason: "while Get has the old value", key: "3", want: "2", reads: 3},
		},
		"the API server is away": {
			{reason: "the first call reads", key: "1", want: "1", reads: 1},
			{reason: "the value is old and there is no other", after: 30 * time.Second, err: transient, want: "1", reads: 2},
			{reason: "a failure does not make every call a read", after: 500 * time.Millisecond, err: transient, want: "1", reads: 2},
			{reason: "one try a second", after: 500 * time.Millisecond, err: transient, want: "1", reads: 3},
			{reason: "almost five minutes", after: 4*time.Minute + 28*time.Second, err: transient, want: "1", reads: 4},
			{reason: "five minutes are the end", after: time.Second, err: transient, wantErr: "other", reads: 5},
			{reason: "it comes back", after: time.Second, key: "2", want: "2", reads: 6},
		},
		"the API server is away from the start": {
			{reason: "there is nothing to return", err: transient, wantErr: "other", reads: 1},
			{reason: "the next second it is back", after: time.Second, key: "1", want: "1", reads: 2},
		},
		"the Secret is deleted": {
			{reason: "the first call reads", key: "1", want: "1", reads: 1},
			{reason: "the old value is not used", after: 30 * time.Second, err: notFound, wantErr: credentials.SecretNotFound, reads: 2},
			{reason: "also not when the API server goes away after that", after: time.Second, err: transient, wantErr: "other", reads: 3},
			{reason: "it is created again", after: time.Second, key: "2", want: "2", reads: 4},
		},
		"the Secret is forbidden": {
			{reason: "the first call reads", key: "1", want: "1", reads: 1},
			{reason: "the old value is not used", after: 30 * time.Second, err: forbidden, wantErr: credentials.SecretForbidden, reads: 2},
			{reason: "the answer is good for a second", after: 900 * time.Millisecond, key: "2", wantErr: credentials.SecretForbidden, reads: 2},
		},
		"the Secret is spoilt": {
			{reason: "the first call reads", key: "1", want: "1", reads: 1},
			{reason: "the old value is not used", after: time.Second, refresh: true, key: "a b", wantErr: credentials.SecretInvalid, reads: 2},
			{reason: "not by Get either", key: "a b", wantErr: credentials.SecretInvalid, reads: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := &vault{}
			store, clock := newStore(v)
			account := newAccount("1", "kie-credentials")
			for _, c := range calls {
				clock.SetTime(clock.Now().Add(c.after))
				v.set(c.key, c.err)
				ask := store.Get
				if c.refresh {
					ask = store.Refresh
				}
				got, err := ask(t.Context(), account)
				if got.APIKey != c.want || reasonOf(err) != c.wantErr {
					t.Errorf("%s: got %q, %v; want %q, %q", c.reason, got.APIKey, err, c.want, c.wantErr)
				}
				if v.reads() != c.reads {
					t.Errorf("%s: %d reads so far, want %d", c.reason, v.reads(), c.reads)
				}
			}
		})
	}
}

func reasonOf(err error) string {
	var known *credentials.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known):
		return known.Reason
	default:
		return "other"
	}
}

func TestStoreKeepsTheCauseOfOtherErrors(t *testing.T) {
	v := &vault{err: transient}
	store, _ := newStore(v)
	if _, err := store.Get(t.Context(), newAccount("1", "kie-credentials")); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("Get() error = %v, want it to wrap that of the API server", err)
	}
}

func TestStoreTellsAccountsApart(t *testing.T) {
	v := &vault{key: "1"}
	store, _ := newStore(v)
	want := func(reason string, account *v1alpha1.KieAccount, key string) {
		t.Helper()
		got, err := store.Get(t.Context(), account)
		if err != nil || got.APIKey != key {
			t.Errorf("%s: Get() = %q, %v; want %q", reason, got.APIKey, err, key)
		}
	}
	want("the first account", newAccount("1", "first"), "1")
	if want := (types.NamespacedName{Namespace: "studio", Name: "first"}); v.asked != want {
		t.Errorf("the Secret that was read is %s, want %s", v.asked, want)
	}
	v.set("2", nil)
	want("it refers to another Secret", newAccount("1", "second"), "2")
	v.set("3", nil)
	want("it is created anew under the same name", newAccount("2", "second"), "3")
	v.set("4", nil)
	want("nothing has changed", newAccount("2", "second"), "3")
	store.Invalidate(types.NamespacedName{Namespace: "studio", Name: "default"})
	want("it was forgotten", newAccount("2", "second"), "4")
	store.Invalidate(types.NamespacedName{Namespace: "studio", Name: "unknown"})
	want("another one was forgotten", newAccount("2", "second"), "4")
}

func TestStoreReadsOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{key: "1", hold: make(chan struct{})}
		store, _ := newStore(v)
		account := newAccount("1", "kie-credentials")
		impatient, leave := context.WithCancel(t.Context())

		var waiting sync.WaitGroup
		waiting.Go(func() { // it begins the read, and leaves before the end of it
			if _, err := store.Get(impatient, account); !errors.Is(err, context.Canceled) {
				t.Errorf("Get() error = %v, want that of the context", err)
			}
		})
		synctest.Wait()
		for i := range 100 {
			ask := store.Get
			if i%2 == 0 {
				ask = store.Refresh
			}
			waiting.Go(func() {
				if got, err := ask(t.Context(), account); err != nil || got.APIKey != "1" {
					t.Errorf("got %q, %v", got.APIKey, err)
				}
			})
		}
		synctest.Wait()
		leave()
		synctest.Wait()
		close(v.hold)
		waiting.Wait()
		if v.reads() != 1 {
			t.Errorf("%d reads, want 1", v.reads())
		}
	})
}

func TestStoreForgetsWhileItReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{key: "1", hold: make(chan struct{})}
		store, _ := newStore(v)
		account := newAccount("1", "kie-credentials")

		var waiting sync.WaitGroup
		waiting.Go(func() {
			if got, err := store.Get(t.Context(), account); err != nil || got.APIKey != "1" {
				t.Errorf("got %q, %v", got.APIKey, err)
			}
		})
		synctest.Wait()
		store.Invalidate(client.ObjectKeyFromObject(account))
		close(v.hold)
		waiting.Wait()
		v.set("2", nil)
		if got, err := store.Get(t.Context(), account); err != nil || got.APIKey != "2" {
			t.Errorf("after Invalidate, Get() = %q, %v; want what the Secret has now", got.APIKey, err)
		}
	})
}

func TestStoreGivesUpOnASlowRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vault{key: "1", hold: make(chan struct{})} // never closed
		store, _ := newStore(v)
		if _, err := store.Get(t.Context(), newAccount("1", "kie-credentials")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Get() error = %v, want that the time is over", err)
		}
	})
}
