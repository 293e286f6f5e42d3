// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// controlPlane has the real API server of these tests.
var controlPlane testenv.Shared

func config(t testing.TB) *rest.Config {
	t.Helper()
	config, err := controlPlane.Config()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctrllog.SetLogger(logr.Discard())
	code := m.Run()
	if err := controlPlane.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

const (
	// hmacKey is the key of the account, and a canary: no log may have it.
	hmacKey = "canary-hmac-key"
	// paidTask is the task of the resource that most tests are about.
	paidTask = "5a1f0c3e9b7d48e2a6c4f80b1d2e3a47"
)

// now is the time on the clock of every world at its beginning.
var now = time.Unix(1769670760, 0)

// world is a namespace with an account and its Secret, and everything that
// went to the log.
type world struct {
	client    client.WithWatch // past every cache and every counter
	namespace string
	clock     *clocktesting.FakePassiveClock
	log       *capture
	secret    *corev1.Secret
}

func newWorld(t testing.TB) *world {
	t.Helper()
	c, err := client.NewWithWatch(config(t), client.Options{Scheme: testenv.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "callback-"}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	w := &world{client: c, namespace: namespace.Name, clock: clocktesting.NewFakePassiveClock(now), log: &capture{}}
	w.secret = &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "kie-credentials"},
		StringData: map[string]string{v1alpha1.SecretKeyAPIKey: "canary-api-key", v1alpha1.SecretKeyWebhookHMACKey: hmacKey},
	}
	account := &v1alpha1.KieAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "default"},
		Spec:       v1alpha1.KieAccountSpec{CredentialsSecretRef: v1alpha1.SecretReference{Name: w.secret.Name}},
	}
	for _, object := range []client.Object{w.secret, account} {
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// setSecret replaces what the Secret holds.
func (w *world) setSecret(t *testing.T, data map[string]string) {
	t.Helper()
	w.secret.Data, w.secret.StringData = nil, data
	if err := w.client.Update(t.Context(), w.secret); err != nil {
		t.Fatal(err)
	}
}

// submit creates a VideoGeneration with a running task; change, which may be
// nil, alters its status before it is stored.
func (w *world) submit(t testing.TB, name string, change func(*v1alpha1.VideoGenerationStatus)) *v1alpha1.VideoGeneration {
	t.Helper()
	vg := w.apply(t, name)
	w.start(vg)
	if change != nil {
		change(&vg.Status)
	}
	w.store(t, vg)
	return vg
}

// apply creates a VideoGeneration of which nothing was bought.
func (w *world) apply(t testing.TB, name string) *v1alpha1.VideoGeneration {
	t.Helper()
	vg := &v1alpha1.VideoGeneration{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec:       v1alpha1.VideoGenerationSpec{Prompt: "A slow dolly towards a lighthouse in fog"},
	}
	if err := w.client.Create(t.Context(), vg); err != nil {
		t.Fatal(err)
	}
	return vg
}

// start gives it a running task, which is not stored.
func (w *world) start(vg *v1alpha1.VideoGeneration) {
	vg.Status.Account = v1alpha1.AccountIdentity{Namespace: w.namespace, Name: "default", UID: "account-uid"}
	vg.Status.Task = &v1alpha1.Task{
		Attempt: attempts.New(), Number: 1, SubmittedAt: metav1.NewTime(now.Add(-time.Minute)),
		ID: paidTask, State: v1alpha1.TaskRunning,
	}
}

// store writes the status.
func (w *world) store(t testing.TB, vg *v1alpha1.VideoGeneration) {
	t.Helper()
	if err := w.client.Status().Update(t.Context(), vg); err != nil {
		t.Fatal(err)
	}
}

// alter changes the status of a resource behind everybody's back.
func (w *world) alter(t *testing.T, vg *v1alpha1.VideoGeneration, change func(*v1alpha1.VideoGenerationStatus)) {
	t.Helper()
	live := w.get(t, vg)
	change(&live.Status)
	if err := w.client.Status().Update(t.Context(), live); err != nil {
		t.Fatal(err)
	}
}

func (w *world) get(t testing.TB, vg *v1alpha1.VideoGeneration) *v1alpha1.VideoGeneration {
	t.Helper()
	var live v1alpha1.VideoGeneration
	if err := w.client.Get(t.Context(), client.ObjectKeyFromObject(vg), &live); err != nil {
		t.Fatal(err)
	}
	return &live
}

// replica is one of the operator's: a cache of its own, and a server.
type replica struct {
	address string
	handler *handler
	cache   client.Reader
	tried   atomic.Int32 // writes of any kind that were begun
	written atomic.Int32 // and those that succeeded
	// beforeWrite, if set, is called before a write, which fails with what it returns.
	beforeWrite func(context.Context) error
	// tls, if set before it serves, is the certificate that it shows.
	tls *pair
}

// newReplica starts a replica; change, which may be nil, alters its handler
// before it serves.
func (w *world) newReplica(t testing.TB, change func(*replica)) *replica {
	t.Helper()
	r := &replica{}
	log := w.log.logger()
	informers := &Informers{}
	operator, err := cluster.New(config(t), func(o *cluster.Options) {
		o.Scheme, o.Logger, o.Cache.NewInformer = testenv.Scheme(), log, informers.NewInformer
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := IndexAttempts(t.Context(), operator.GetFieldIndexer()); err != nil {
		t.Fatal(err)
	}
	r.cache = operator.GetCache()
	r.handler = newHandler(Options{
		Reader:      operator.GetCache(),
		Informers:   informers,
		APIReader:   operator.GetAPIReader(),
		Writer:      r.counting(w.client).Status(),
		Credentials: credentials.NewStore(operator.GetAPIReader(), w.clock),
		Clock:       w.clock,
		Registerer:  prometheus.NewRegistry(),
		Log:         log,
	})
	if change != nil {
		change(r)
	}
	options := ServerOptions{BindAddress: "127.0.0.1:0", Handler: r.handler, Log: log}
	if r.tls != nil {
		options.CertificateFolder = t.TempDir()
		r.tls.write(t, options.CertificateFolder)
	}
	server := NewServer(options)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, start := range []func(context.Context) error{operator.Start, server.Start} {
		running.Go(func() {
			if err := start(ctx); err != nil {
				t.Errorf("a part of the replica failed: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	address, err := server.Address(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.address = address.String()
	if !operator.GetCache().WaitForCacheSync(t.Context()) {
		t.Fatal("the cache did not fill")
	}
	return r
}

// counting counts every call that is not a read.
func (r *replica) counting(c client.WithWatch) client.Client {
	count := func(ctx context.Context, write func() error) error {
		r.tried.Add(1)
		if r.beforeWrite != nil {
			if err := r.beforeWrite(ctx); err != nil {
				return err
			}
		}
		err := write()
		if err == nil {
			r.written.Add(1)
		}
		return err
	}
	return interceptor.NewClient(c, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
			return count(ctx, func() error { return c.Create(ctx, object, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.UpdateOption) error {
			return count(ctx, func() error { return c.Update(ctx, object, opts...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return count(ctx, func() error { return c.Patch(ctx, object, patch, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.DeleteOption) error {
			return count(ctx, func() error { return c.Delete(ctx, object, opts...) })
		},
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, object client.Object, opts ...client.SubResourceUpdateOption) error {
			return count(ctx, func() error { return c.SubResource(sub).Update(ctx, object, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, object client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return count(ctx, func() error { return c.SubResource(sub).Patch(ctx, object, patch, opts...) })
		},
	})
}

// sees waits until the cache has the resource at least as it is now.
func (r *replica) sees(t *testing.T, w *world, vg *v1alpha1.VideoGeneration) {
	t.Helper()
	want := w.get(t, vg).ResourceVersion
	NewWithT(t).Eventually(func() (string, error) {
		var cached v1alpha1.VideoGeneration
		err := r.cache.Get(t.Context(), client.ObjectKeyFromObject(vg), &cached)
		return cached.ResourceVersion, err
	}).WithTimeout(10 * time.Second).WithPolling(5 * time.Millisecond).Should(Equal(want))
}

// forgets waits until the cache does not have the resource any more.
func (r *replica) forgets(t *testing.T, vg *v1alpha1.VideoGeneration) {
	t.Helper()
	NewWithT(t).Eventually(func() error {
		var cached v1alpha1.VideoGeneration
		return client.IgnoreNotFound(r.cache.Get(t.Context(), client.ObjectKeyFromObject(vg), &cached))
	}).WithTimeout(10 * time.Second).WithPolling(5 * time.Millisecond).Should(Succeed())
	NewWithT(t).Eventually(func() bool {
		var cached v1alpha1.VideoGeneration
		return r.cache.Get(t.Context(), client.ObjectKeyFromObject(vg), &cached) != nil
	}).WithTimeout(10 * time.Second).WithPolling(5 * time.Millisecond).Should(BeTrue())
}

// count is how often the outcome has occurred.
func (r *replica) count(o *outcome) int {
	var metric dto.Metric
	if err := o.counter(r.handler.requests).Write(&metric); err != nil {
		return -1
	}
	return int(metric.GetCounter().GetValue())
}

func (r *replica) dial(t *testing.T) net.Conn {
	t.Helper()
	connection, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	if err := connection.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

// capture is everything that was logged, at every level.
type capture struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (c *capture) logger() logr.Logger {
	return funcr.NewJSON(func(line string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.text.WriteString(line + "\n")
	}, funcr.Options{Verbosity: 10})
}

func (c *capture) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// keepsSecret fails the test if one of the texts is in the log.
func (c *capture) keepsSecret(t *testing.T, secrets ...string) {
	t.Helper()
	text := c.String()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the log:\n%s", secret, text)
		}
	}
}
