// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
)

// start makes a world with one replica and one resource that it sees.
func start(t *testing.T, change func(*v1alpha1.VideoGenerationStatus)) (*world, *replica, *v1alpha1.VideoGeneration) {
	t.Helper()
	w := newWorld(t)
	r := w.newReplica(t, nil)
	vg := w.submit(t, "lighthouse", change)
	r.sees(t, w, vg)
	return w, r, vg
}

func TestDeliverWritesTheMailboxOnly(t *testing.T) {
	w, r, vg := start(t, nil)

	raw, response := r.send(t, call(vg).String())
	if response.StatusCode != http.StatusOK || !strings.HasSuffix(string(raw), "\r\n\r\n"+acknowledgement) {
		t.Errorf("the answer is %q, want 200 with the acknowledgement", raw)
	}
	got := w.get(t, vg)
	code := int32(200)
	want := vg.DeepCopy()
	want.Status.Callback = &v1alpha1.CallbackReceipt{
		Attempt: vg.Status.Task.Attempt, TaskID: paidTask, Code: &code, ReceivedAt: metav1.NewMicroTime(now),
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(metav1.ObjectMeta{}, "ResourceVersion", "ManagedFields")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if r.tried.Load() != 1 {
		t.Errorf("%d writes were begun, want 1", r.tried.Load())
	}
	if text := w.log.String(); !strings.Contains(text, `"callback received","namespace":"`+w.namespace+`","name":"lighthouse","task":"`+paidTask+`"`) {
		t.Errorf("no line in the log says what was received:\n%s", text)
	}
	w.log.keepsSecret(t, "canary", vg.Status.Task.Attempt, attempts.PathPrefix)
}

// Forms of a genuine callback that differ from the usual one.
func TestDeliverIsTolerant(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, nil)
	for name, tc := range map[string]struct {
		status  func(*v1alpha1.VideoGenerationStatus)
		request func(request) request
	}{
		"chunks":             {request: request.chunked},
		"http-1-0":           {request: func(c request) request { c.proto = "HTTP/1.0"; return c }},
		"identity":           {request: func(c request) request { return c.and("Content-Encoding: identity") }},
		"no-content-type":    {request: func(c request) request { return c.withHeaders(signed(hmacKey, paidTask, now)...) }},
		"a-query":            {request: func(c request) request { return c.at(c.path + "?a=b;c") }},
		"byte-order-mark":    {request: func(c request) request { return c.withBody("\xef\xbb\xbf" + c.body) }},
		"the-largest-body":   {request: func(c request) request { return c.withBody(c.body + strings.Repeat(" ", maxBodyBytes-len(c.body))) }},
		"five-minutes-late":  {request: func(c request) request { return c.withHeaders(signed(hmacKey, paidTask, now.Add(-5*time.Minute))...) }},
		"five-minutes-early": {request: func(c request) request { return c.withHeaders(signed(hmacKey, paidTask, now.Add(5*time.Minute))...) }},
		"before-the-answer": {status: func(s *v1alpha1.VideoGenerationStatus) { s.Task.ID, s.Task.State = "", v1alpha1.TaskSubmitting }, request: func(c request) request {
			return c.withBody(bodyFor(paidTask)).withHeaders(signed(hmacKey, paidTask, now)...)
		}},
		"after-the-time-out":   {status: failed(v1alpha1.ReasonTimedOut)},
		"after-it-was-lost":    {status: failed(v1alpha1.ReasonSubmissionUnknown)},
		"after-it-was-unknown": {status: failed(v1alpha1.ReasonTaskNotFound)},
		"after-a-former-attempt": {status: func(s *v1alpha1.VideoGenerationStatus) {
			s.Callback = &v1alpha1.CallbackReceipt{Attempt: "former", TaskID: paidTask, ReceivedAt: metav1.NewMicroTime(now)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			vg := w.submit(t, name, tc.status)
			r.sees(t, w, vg)
			genuine := call(vg)
			if tc.request != nil {
				genuine = tc.request(genuine)
			}
			r.expect(t, genuine.String(), accepted)
			if got := w.get(t, vg).Status.Callback; got == nil || got.TaskID != paidTask || got.Attempt != vg.Status.Task.Attempt {
				t.Errorf("the mailbox has %+v", got)
			}
		})
	}
}

func failed(reason string) func(*v1alpha1.VideoGenerationStatus) {
	return func(s *v1alpha1.VideoGenerationStatus) {
		s.Task.State, s.Task.Failure = v1alpha1.TaskFailed, &v1alpha1.TaskFailure{Reason: reason}
	}
}

// A merge patch that leaves a field out keeps it.
func TestDeliverReplacesTheWholeReceipt(t *testing.T) {
	code := int32(501)
	w, r, vg := start(t, func(s *v1alpha1.VideoGenerationStatus) {
		s.Callback = &v1alpha1.CallbackReceipt{Attempt: "former", TaskID: "former", Code: &code, ReceivedAt: metav1.NewMicroTime(now)}
	})
	r.expect(t, call(vg).withBody(`{"taskId":"`+paidTask+`"}`).String(), accepted)
	if got := w.get(t, vg).Status.Callback; got.Code != nil {
		t.Errorf("the code is %d, which the callback before had; this one has none", *got.Code)
	}
}

func TestDeliverNeedsNoWrite(t *testing.T) {
	w := newWorld(t)
	r := w.newReplica(t, nil)
	for name, tc := range map[string]struct {
		status func(*v1alpha1.VideoGenerationStatus)
		want   *outcome
	}{
		"duplicate": {func(s *v1alpha1.VideoGenerationStatus) {
			s.Callback = &v1alpha1.CallbackReceipt{Attempt: s.Task.Attempt, TaskID: s.Task.ID, ReceivedAt: metav1.NewMicroTime(now)}
		}, duplicate},
		"duplicate-after-the-time-out": {func(s *v1alpha1.VideoGenerationStatus) {
			failed(v1alpha1.ReasonTimedOut)(s)
			s.Callback = &v1alpha1.CallbackReceipt{Attempt: s.Task.Attempt, TaskID: s.Task.ID, ReceivedAt: metav1.NewMicroTime(now)}
		}, duplicate},
		"succeeded": {func(s *v1alpha1.VideoGenerationStatus) { s.Task.State = v1alpha1.TaskSucceeded }, settled},
		"failed":    {failed("ContentRejected"), settled},
	} {
		t.Run(name, func(t *testing.T) {
			vg := w.submit(t, name, tc.status)
			r.sees(t, w, vg)
			raw, response := r.send(t, call(vg).String())
			if response.StatusCode != http.StatusOK || !strings.HasSuffix(string(raw), acknowledgement) {
				t.Errorf("the answer is %q, want 200", raw)
			}
			if r.count(tc.want) == 0 {
				t.Errorf("it does not count as %s", tc.want.name)
			}
			if got := w.get(t, vg).ResourceVersion; got != vg.ResourceVersion {
				t.Error("the resource has changed")
			}
		})
	}
	if r.tried.Load() != 0 {
		t.Errorf("%d writes were begun", r.tried.Load())
	}
}

// There is room for one receipt. One that is all that is known of a paid task keeps
// it until the operator has followed it; KIE.AI tries the other one again.
func TestARoomForOneReceipt(t *testing.T) {
	const refused = "refused-and-made-0001"
	w, r, vg := start(t, func(s *v1alpha1.VideoGenerationStatus) {
		s.RefusedAttempts = []v1alpha1.RefusedAttempt{{Attempt: refused, SubmittedAt: metav1.NewTime(now)}}
		s.Callback = &v1alpha1.CallbackReceipt{Attempt: refused, TaskID: "former", ReceivedAt: metav1.NewMicroTime(now)}
	})
	r.expect(t, call(vg).String(), contended)
	w.alter(t, vg, func(s *v1alpha1.VideoGenerationStatus) { s.RefusedAttempts[0].TaskID = "former" })
	r.sees(t, w, vg)
	r.expect(t, call(vg).String(), accepted)
}

// A captured callback is worth nothing after five minutes, not even the
// knowledge whether the resource is still there.
func TestReplay(t *testing.T) {
	w, r, vg := start(t, nil)
	captured := call(vg).String()
	r.expect(t, captured, accepted)
	r.sees(t, w, vg)
	r.expect(t, captured, duplicate)
	w.clock.SetTime(now.Add(5*time.Minute + time.Second))
	r.expect(t, captured, badSignature)

	w.alter(t, vg, func(s *v1alpha1.VideoGenerationStatus) { s.Task.State = v1alpha1.TaskSucceeded })
	r.sees(t, w, vg)
	r.expect(t, captured, badSignature)
	if r.tried.Load() != 1 {
		t.Errorf("%d writes were begun, want 1", r.tried.Load())
	}
}

// The same callback a hundred times at once, on two replicas with caches of
// their own, and both ready to write before either has.
func TestOneWriteForManyReplicas(t *testing.T) {
	w := newWorld(t)
	var bothWrite sync.WaitGroup
	bothWrite.Add(2)
	atTheSameTime := func(r *replica) {
		var first sync.Once
		r.beforeWrite = func(context.Context) error {
			first.Do(bothWrite.Done)
			bothWrite.Wait()
			return nil
		}
	}
	replicas := []*replica{w.newReplica(t, atTheSameTime), w.newReplica(t, atTheSameTime)}
	vg := w.submit(t, "lighthouse", nil)
	for _, r := range replicas {
		r.sees(t, w, vg)
	}

	text := call(vg).String()
	var senders sync.WaitGroup
	for i := range 100 {
		senders.Go(func() {
			raw, response := replicas[i%2].send(t, text)
			if response.StatusCode != http.StatusOK || !strings.HasSuffix(string(raw), acknowledgement) {
				t.Errorf("an answer is %q, want 200", raw)
			}
		})
	}
	senders.Wait()

	if got := replicas[0].written.Load() + replicas[1].written.Load(); got != 1 {
		t.Errorf("%d writes succeeded, want 1", got)
	}
	if got := replicas[0].count(accepted) + replicas[1].count(accepted); got != 1 {
		t.Errorf("%d callbacks were accepted, want 1", got)
	}
	if got := replicas[0].count(duplicate) + replicas[1].count(duplicate); got != 99 {
		t.Errorf("%d callbacks were duplicates, want 99", got)
	}
	w.log.keepsSecret(t, "canary", vg.Status.Task.Attempt)
}

// Somebody else writes between the look and the write.
func TestDeliverLooksAgainAfterAConflict(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct {
		meanwhile func(*testing.T, *v1alpha1.VideoGeneration)
		want      *outcome
		tried     int32
	}{
		"another-field": {func(t *testing.T, vg *v1alpha1.VideoGeneration) {
			w.alter(t, vg, func(s *v1alpha1.VideoGenerationStatus) { s.ObservedGeneration = 1 })
		}, accepted, 2},
		"the-same-callback": {func(t *testing.T, vg *v1alpha1.VideoGeneration) {
			w.alter(t, vg, func(s *v1alpha1.VideoGenerationStatus) {
				s.Callback = &v1alpha1.CallbackReceipt{Attempt: s.Task.Attempt, TaskID: paidTask, ReceivedAt: metav1.NewMicroTime(now)}
			})
		}, duplicate, 1},
		"the-end": {func(t *testing.T, vg *v1alpha1.VideoGeneration) {
			w.alter(t, vg, func(s *v1alpha1.VideoGenerationStatus) { s.Task.State = v1alpha1.TaskSucceeded })
		}, settled, 1},
		"another-attempt": {func(t *testing.T, vg *v1alpha1.VideoGeneration) {
			w.alter(t, vg, func(s *v1alpha1.VideoGenerationStatus) { s.Task.Attempt, s.Task.ID = attempts.New(), "" })
		}, unknownToken, 1},
		"no-attempt": {func(t *testing.T, vg *v1alpha1.VideoGeneration) {
			w.alter(t, vg, func(s *v1alpha1.VideoGenerationStatus) { s.Task = nil })
		}, unknownToken, 1},
		"another-task": {func(t *testing.T, vg *v1alpha1.VideoGeneration) {
			w.alter(t, vg, func(s *v1alpha1.VideoGenerationStatus) { s.Task.ID = "2c77" })
		}, differentTask, 1},
		"another-account": {func(t *testing.T, vg *v1alpha1.VideoGeneration) {
			w.alter(t, vg, func(s *v1alpha1.VideoGenerationStatus) { s.Account.Namespace = "elsewhere" })
		}, contended, 1},
		"another-account-of-the-name": {func(t *testing.T, vg *v1alpha1.VideoGeneration) {
			w.alter(t, vg, func(s *v1alpha1.VideoGenerationStatus) { s.Account.UID = "another-uid" })
		}, contended, 1},
		"deleted": {func(t *testing.T, vg *v1alpha1.VideoGeneration) {
			if err := w.client.Delete(t.Context(), vg); err != nil {
				t.Error(err)
			}
		}, gone, 1},
		"created-anew": {func(t *testing.T, vg *v1alpha1.VideoGeneration) {
			if err := w.client.Delete(t.Context(), vg); err != nil {
				t.Error(err)
			}
			w.submit(t, vg.Name, func(s *v1alpha1.VideoGenerationStatus) { s.Task.Attempt = vg.Status.Task.Attempt })
		}, gone, 1},
	} {
		t.Run(name, func(t *testing.T) {
			vg := w.submit(t, name, nil)
			r := w.newReplica(t, func(r *replica) {
				r.beforeWrite = func(context.Context) error {
					if r.tried.Load() == 1 {
						tc.meanwhile(t, vg)
					}
					return nil
				}
			})
			r.sees(t, w, vg)
			r.expect(t, call(vg).String(), tc.want)
			if got := r.tried.Load(); got != tc.tried {
				t.Errorf("%d writes were begun, want %d", got, tc.tried)
			}
		})
	}
}

func TestDeliverGivesUpAfterThreeConflicts(t *testing.T) {
	w := newWorld(t)
	vg := w.submit(t, "lighthouse", nil)
	r := w.newReplica(t, func(r *replica) {
		r.beforeWrite = func(context.Context) error {
			w.alter(t, vg, func(s *v1alpha1.VideoGenerationStatus) { s.ObservedGeneration++ })
			return nil
		}
	})
	r.sees(t, w, vg)
	r.expect(t, call(vg).String(), contended)
	if r.tried.Load() != maxWrites {
		t.Errorf("%d writes were begun, want %d", r.tried.Load(), maxWrites)
	}
}

// Without a durable write there is no 200, so that KIE.AI calls again.
func TestNoAcknowledgementWithoutAWrite(t *testing.T) {
	w := newWorld(t)
	resource := schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "videogenerations"}
	for name, failure := range map[string]error{
		"internal":    apierrors.NewInternalError(errors.New("canary")),
		"unavailable": apierrors.NewServiceUnavailable("canary"),
		"overloaded":  apierrors.NewTooManyRequests("canary", 1),
		"timeout":     apierrors.NewServerTimeout(resource, "patch", 1),
		"forbidden":   apierrors.NewForbidden(resource, "canary", errors.New("canary")),
		"invalid":     apierrors.NewInvalid(schema.GroupKind{Group: resource.Group, Kind: "VideoGeneration"}, "canary", nil),
		"refused":     errors.New("dial tcp: canary"),
		"too-late":    context.DeadlineExceeded,
	} {
		t.Run(name, func(t *testing.T) {
			vg := w.submit(t, name, nil)
			r := w.newReplica(t, func(r *replica) {
				r.beforeWrite = func(context.Context) error {
					if r.tried.Load() == 1 {
						return failure
					}
					return nil
				}
			})
			r.sees(t, w, vg)

			_, response := r.send(t, call(vg).String())
			if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
				t.Errorf("the answer is %s with %v, want 503 with Retry-After", response.Status, response.Header)
			}
			if got := w.get(t, vg); got.Status.Callback != nil {
				t.Errorf("the mailbox has %+v", got.Status.Callback)
			}
			r.expect(t, call(vg).String(), accepted) // the second call of KIE.AI
		})
	}
	w.log.keepsSecret(t, "canary")
}

// away is an API server that cannot be asked.
type away struct{ client.Reader }

func (away) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return apierrors.NewServiceUnavailable("canary")
}

func TestAPIServerGoesAwayAfterAConflict(t *testing.T) {
	w := newWorld(t)
	vg := w.submit(t, "lighthouse", nil)
	r := w.newReplica(t, func(r *replica) {
		r.handler.live = away{}
		r.beforeWrite = func(context.Context) error {
			w.alter(t, vg, func(s *v1alpha1.VideoGenerationStatus) { s.ObservedGeneration++ })
			return nil
		}
	})
	r.sees(t, w, vg)
	r.expect(t, call(vg).String(), apiUnavailable)
	w.log.keepsSecret(t, "canary")
}

func TestPanicIsAnAnswer(t *testing.T) {
	w := newWorld(t)
	vg := w.submit(t, "lighthouse", nil)
	r := w.newReplica(t, func(r *replica) {
		r.beforeWrite = func(context.Context) error { panic("canary " + vg.Status.Task.Attempt) }
	})
	r.sees(t, w, vg)
	r.expect(t, call(vg).String(), panicked)
	w.log.keepsSecret(t, "canary", vg.Status.Task.Attempt)
	if !strings.Contains(w.log.String(), "panic while a callback was handled") {
		t.Error("nothing in the log says that there was a panic")
	}
}

// blind is a cache that is behind: it has none of the resources until it sees.
type blind struct {
	client.Reader
	sees *atomic.Bool
}

// List finds nothing.
func (b blind) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	if b.sees.Load() {
		return b.Reader.List(ctx, list, options...)
	}
	return nil
}

// behind makes the cache of the replica one that is behind, and known to be,
// until it sees.
func (r *replica) behind() (sees *atomic.Bool) {
	sees = &atomic.Bool{}
	r.handler.cache = blind{r.cache, sees}
	r.handler.informers = &Informers{}
	r.handler.informers.proofs.add(source{api: &upstream{version: "90"}, version: func() string { return "9" }})
	return sees
}

// A cache that is behind does not turn a callback away that the API server
// knows of, and does not ask it for whatever anybody guesses.
func TestTheCacheIsBehind(t *testing.T) {
	t.Run("the API server knows it", func(t *testing.T) {
		w := newWorld(t)
		r := w.newReplica(t, func(r *replica) { r.behind() })
		vg := w.submit(t, "lighthouse", nil)
		r.expect(t, call(vg).String(), accepted)
		if receipt := w.get(t, vg).Status.Callback; receipt == nil || receipt.TaskID != paidTask {
			t.Errorf("the receipt is %+v", receipt)
		}
	})
	t.Run("it catches up while the callback waits", func(t *testing.T) {
		w := newWorld(t)
		var sees *atomic.Bool
		r := w.newReplica(t, func(r *replica) {
			sees = r.behind()
			r.handler.live = away{}
			r.handler.lookups.AllowN(w.clock.Now(), 2*maxLookups)
		})
		vg := w.submit(t, "lighthouse", nil)
		r.sees(t, w, vg)
		go func() {
			for len(r.handler.unseen) == 0 {
				runtime.Gosched()
			}
			sees.Store(true)
			r.handler.informers.show(vg)
		}()
		r.expect(t, call(vg).String(), accepted)
	})
	t.Run("the API server does not know it either", func(t *testing.T) {
		w := newWorld(t)
		r := w.newReplica(t, func(r *replica) {
			r.behind()
			r.handler.unseenTimeout = time.Millisecond
		})
		r.expect(t, call(w.submit(t, "lighthouse", nil)).at(attempts.PathPrefix+attempts.New()).String(), cacheBehind)
	})
	t.Run("the API server is away", func(t *testing.T) {
		w := newWorld(t)
		r := w.newReplica(t, func(r *replica) {
			r.behind()
			r.handler.live = interceptor.NewClient(w.client, interceptor.Funcs{
				List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
					return apierrors.NewInternalError(errors.New("etcd is away"))
				},
			})
		})
		r.expect(t, call(w.submit(t, "lighthouse", nil)).String(), apiUnavailable)
	})
	t.Run("others guess", func(t *testing.T) {
		w := newWorld(t)
		var asked atomic.Int32
		r := w.newReplica(t, func(r *replica) {
			r.behind()
			r.handler.informers = nil // so that nobody waits
			r.handler.live = interceptor.NewClient(w.client, interceptor.Funcs{
				List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					asked.Add(1)
					return c.List(ctx, list, opts...)
				},
			})
		})
		vg := w.submit(t, "lighthouse", nil)
		for range 3 * maxLookups {
			r.expect(t, call(vg).at(attempts.PathPrefix+attempts.New()).String(), cacheBehind)
		}
		if n := asked.Load(); n != 2*maxLookups {
			t.Errorf("the API server was asked %d times in one moment, want %d", n, 2*maxLookups)
		}
		r.expect(t, call(vg).String(), cacheBehind)
		w.clock.SetTime(w.clock.Now().Add(time.Second))
		r.expect(t, call(vg).String(), accepted)
	})
}

// Strangers who guess while the cache is up to date and nothing happens to its
// resources cost the API server no look-up, and are told that nobody has it.
func TestTheCacheIsKnownNotToBeBehind(t *testing.T) {
	w := newWorld(t)
	var asked atomic.Int32
	r := w.newReplica(t, func(r *replica) {
		r.handler.live = interceptor.NewClient(w.client, interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				asked.Add(1)
				return c.List(ctx, list, opts...)
			},
		})
	})
	vg := w.submit(t, "lighthouse", nil)
	r.sees(t, w, vg)
	// Something else changes, so that the API server is ahead of all that the cache has.
	w.setSecret(t, map[string]string{v1alpha1.SecretKeyAPIKey: "canary-api-key", v1alpha1.SecretKeyWebhookHMACKey: hmacKey})
	var strangers sync.WaitGroup
	for range 20 {
		strangers.Go(func() { r.send(t, call(vg).at(attempts.PathPrefix+attempts.New()).String()) })
	}
	strangers.Wait()
	if got := r.count(unknownToken); got != 20 {
		t.Errorf("%d of 20 strangers were told that nobody has it; the cache was behind for %d", got, r.count(cacheBehind))
	}
	if got := asked.Load(); got != 0 {
		t.Errorf("the API server was asked %d times", got)
	}
}

// A burst is written in the order in which it came, all of it.
func TestABurstIsTakenInOrder(t *testing.T) {
	const burst = 8
	w := newWorld(t)
	release := make(chan struct{})
	r := w.newReplica(t, func(r *replica) {
		r.handler.line.writers = 1
		r.beforeWrite = func(context.Context) error {
			<-release
			return nil
		}
	})
	var senders sync.WaitGroup
	var sent []*v1alpha1.VideoGeneration
	for i := range burst {
		vg := w.submit(t, fmt.Sprintf("burst-%d", i), nil)
		r.sees(t, w, vg)
		sent = append(sent, vg)
	}
	for i, vg := range sent {
		senders.Go(func() {
			if _, response := r.send(t, call(vg).String()); response.StatusCode != http.StatusOK {
				t.Errorf("%s was answered with %s", vg.Name, response.Status)
			}
		})
		NewWithT(t).Eventually(r.handler.line.queued).WithTimeout(patience).WithPolling(time.Millisecond).Should(Equal(i + 1))
	}
	close(release)
	senders.Wait()
	last := 0
	for _, vg := range sent {
		version, err := strconv.Atoi(w.get(t, vg).ResourceVersion)
		if err != nil || version < last {
			t.Errorf("%s was written at %d, and the one before it at %d (%v)", vg.Name, version, last, err)
		}
		last = version
	}
	if r.count(accepted) != burst {
		t.Errorf("%d callbacks were accepted, want %d", r.count(accepted), burst)
	}
}
