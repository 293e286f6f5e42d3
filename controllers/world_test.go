// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	accountctl "github.com/kie-operator/kie-operator/controllers/account"
	"github.com/kie-operator/kie-operator/controllers/generation"
	storagectl "github.com/kie-operator/kie-operator/controllers/storage"
	"github.com/kie-operator/kie-operator/internal/admission"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
	"github.com/kie-operator/kie-operator/internal/bucket"
	"github.com/kie-operator/kie-operator/internal/callback"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/fetch"
	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

const testPrompt = "A lighthouse called "

// world is a namespace on the real API server with a simulated KIE.AI, the real
// callback handler and the real reconcilers, driven by hand on a clock that
// only moves when nothing else is left to do.
type world struct {
	t         tester
	namespace string
	clock     *clocktesting.FakePassiveClock
	sim       *kiesim.Simulator
	kieServer *httptest.Server
	callbacks *httptest.Server
	live      client.WithWatch
	// operator writes as the operator, whom policies may refuse what its users may do.
	operator client.WithWatch
	// written has the version of everything that was written, by whomever.
	written *versions
	cache   cache.Cache
	opts    worldOptions

	// faults stands between the operator and the API server.
	faults *faultyClient
	proc   *process
	// root is the folder for storage with file://.
	root string
	// onRequest decides about each request to KIE.AI and its files, and to the S3 server. serve answers it.
	onRequest func(number int, rw http.ResponseWriter, r *http.Request, serve http.Handler)
	requests  atomic.Int64
	// dead says that the process is gone, though the code of it may still run: nothing that it does has an effect.
	dead atomic.Bool
	// staleGets is for how many reads of a VideoGeneration the cache is behind, by so many versions.
	staleGets, behind int
	// unseen is for how many rounds the handlers are not told of changes, and nothing is looked at.
	unseen int
	// paidMost is how many tasks each prompt may have paid for when the test ends.
	paidMost int
	events   []string
	// eventsAt is when each of the events came.
	eventsAt []time.Time
	// registries have the metrics of each process there was.
	registries []*prometheus.Registry
	// restarted says that the process has died since the last round.
	restarted bool
	// dies makes the process die after the callbacks of this round.
	dies atomic.Bool
	// stop ends the context of the look that is under way, as SIGTERM does; stopping says that it was.
	stop     context.CancelFunc
	stopping atomic.Bool
	// timers are what happens at a time, whatever else does.
	timers []timer
	// skew is by how much the clock of the next process is ahead.
	skew time.Duration
	// otherClock says that there was such a process.
	otherClock bool
	sent       sentRequests
}

// process is one life of the operator: all that is lost when it dies.
type process struct {
	videos   *generation.Reconciler
	storage  *storagectl.Reconciler
	release  *storagectl.Releaser
	accounts *accountctl.Reconciler
	handler  http.Handler
	// The queues say what each of the reconcilers is to look at, and when.
	queue, storageQueue, releaseQueue, accountQueue *queue
	// observed is what their handlers have seen; nil before they have seen anything.
	observed observed
	recorder *events.FakeRecorder
	// registry has the metrics of this process.
	registry *prometheus.Registry
}

// queues are those of all reconcilers, in the order in which they look.
func (p *process) queues() []*queue {
	return []*queue{p.accountQueue, p.queue, p.storageQueue, p.releaseQueue}
}

type worldOptions struct {
	sim          kiesim.Options
	noCallbacks  bool
	unsigned     bool
	window       time.Duration
	paidMost     int
	accountLimit *v1alpha1.AccountLimits
	storage      *v1alpha1.Storage
	budget       *v1alpha1.Budget
	// accountsLater is how much later than they are due the looks at accounts may come.
	accountsLater time.Duration
	// serial keeps the test from running beside others.
	serial bool
}

// tester is what a world needs of a test, or of one story of a property.
type tester interface {
	rapid.TB
	Context() context.Context
	Cleanup(func())
}

func newWorld(t tester, opts worldOptions) *world {
	t.Helper()
	if parallel, can := t.(interface{ Parallel() }); can && !opts.serial {
		parallel.Parallel()
	}
	w := &world{t: t, opts: opts, paidMost: max(opts.paidMost, 1), clock: clocktesting.NewFakePassiveClock(time.Now().Truncate(time.Second))}
	root, err := os.MkdirTemp("", "videos-")
	w.must(err)
	t.Cleanup(func() { w.must(os.RemoveAll(root)) })
	w.root = root

	config, err := controlPlane.Config()
	if err != nil {
		t.Fatal(err)
	}
	live, err := client.NewWithWatch(config, client.Options{Scheme: testenv.Scheme()})
	w.must(err)
	w.written = &versions{of: map[string]string{}, now: w.clock.Now}
	w.live = w.written.watch(live)
	operator, err := operatorClient()
	w.must(err)
	w.operator = w.written.watch(operator)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "world-"}}
	w.must(w.live.Create(t.Context(), ns))
	w.namespace = ns.Name

	sim := opts.sim
	sim.APIKey, sim.Now = fixture.APIKey, w.clock.Now
	if !opts.unsigned {
		sim.WebhookHMACKey = fixture.HMACKey
	}
	if sim.Latency == 0 {
		sim.Latency = 70 * time.Second
	}
	w.sim = kiesim.New(sim)
	w.kieServer = httptest.NewServer(w.watched(w.sim))
	t.Cleanup(w.kieServer.Close)

	w.startCache()
	w.faults = newFaultyClient(w)
	// The address of the callback server stays the same when a new process takes over.
	w.callbacks = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.proc.handler.ServeHTTP(rw, r) }))
	t.Cleanup(w.callbacks.Close)
	w.restart()

	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "kie-credentials"},
		StringData: map[string]string{v1alpha1.SecretKeyAPIKey: fixture.APIKey},
	}
	if !opts.unsigned {
		secret.StringData[v1alpha1.SecretKeyWebhookHMACKey] = fixture.HMACKey
	}
	w.must(w.live.Create(t.Context(), secret))
	account := &v1alpha1.KieAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: v1alpha1.DefaultAccountName},
		Spec: v1alpha1.KieAccountSpec{
			CredentialsSecretRef: v1alpha1.SecretReference{Name: secret.Name},
			BaseURL:              w.kieServer.URL,
			UploadBaseURL:        w.kieServer.URL,
		},
	}
	if opts.accountLimit != nil {
		account.Spec.Limits = *opts.accountLimit
	}
	account.Spec.Storage, account.Spec.Budget = w.rooted(opts.storage), opts.budget
	w.must(w.live.Create(t.Context(), account))
	t.Cleanup(w.assertPaidOnce)
	t.Cleanup(w.assertSentInTime)
	if _, isStory := t.(*rapid.T); !isStory {
		t.Cleanup(w.assertCalm) // the people of a story may go back and forth
	}
	t.Cleanup(w.assertNothingLeaks)
	return w
}

// assertCalm holds at the end of each test: nobody says one thing and another in turn.
func (w *world) assertCalm() {
	for _, flapping := range w.written.flapping() {
		w.t.Errorf("it goes back and forth: %s", flapping)
	}
}

// newSimServer serves a simulated KIE.AI until the test ends, and returns where.
func newSimServer(t tester, sim *kiesim.Simulator) string {
	t.Helper()
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return server.URL
}

// startCache starts a real cache of the namespace with the real indexes.
func (w *world) startCache() {
	w.t.Helper()
	config, err := controlPlane.Config()
	w.must(err)
	c, err := cache.New(config, cache.Options{Scheme: testenv.Scheme(), DefaultNamespaces: map[string]cache.Config{w.namespace: {}}})
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	w.must(Index(ctx, c))
	w.must(callback.IndexAttempts(ctx, c))
	_, err = c.GetInformer(ctx, &v1alpha1.KieAccount{})
	w.must(err)
	done := make(chan error, 1)
	go func() { done <- c.Start(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("cache: %v", err)
		}
	})
	if !c.WaitForCacheSync(ctx) {
		w.t.Fatal("the cache did not sync")
	}
	w.cache = c
}

// watched is a server whose requests are counted and may be disturbed. Those of
// the account for its balance are not.
func (w *world) watched(server http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.sent.note(r, w.clock.Now())
		switch {
		case w.dead.Load():
			panic(http.ErrAbortHandler)
		case w.onRequest == nil, strings.HasSuffix(r.URL.Path, "/credit"):
			server.ServeHTTP(rw, r)
		default:
			w.onRequest(int(w.requests.Add(1)), rw, r, server)
		}
	})
}

// restart begins a new life of the operator, without any memory of the last one.
func (w *world) restart() {
	w.dead.Store(false)
	w.stopping.Store(false)
	clk := skewed{w.clock, w.skew}
	ledger := admission.NewLedger(clk)
	secrets := credentials.NewStore(w.live, clk)
	registry := prometheus.NewRegistry()
	w.registries = append(w.registries, registry)
	metrics := report.NewMetrics(registry)
	kieClient := kie.NewClient()
	w.t.Cleanup(kieClient.CloseIdleConnections)
	fetcher := fetch.NewFetcher(true)
	w.t.Cleanup(fetcher.CloseIdleConnections)
	baseURL := ""
	if !w.opts.noCallbacks {
		baseURL = w.callbacks.URL
	}
	window := w.opts.window
	if window == 0 {
		window = 30 * time.Minute
	}
	p := &process{recorder: events.NewFakeRecorder(1000), registry: registry}
	places := &storagectl.Locations{Live: w.live, Storage: bucket.NewStorage(bucket.StorageOptions{AllowPrivate: true, FileRoot: w.root}), OperatorNamespace: w.namespace}
	transfers := storagectl.NewTransfers()
	p.videos = &generation.Reconciler{
		Client: w.faults.controller, Live: w.live, Credentials: secrets, KIE: kieClient, Fetcher: fetcher, Ledger: ledger, Clock: clk, Recorder: p.recorder, Metrics: metrics,
		StopStoring:  func(uid types.UID) { transfers.Stop(uid) },
		CheckAccount: func(account types.NamespacedName) { p.accountQueue.Add(ctrl.Request{NamespacedName: account}) }, OperatorNamespace: w.namespace, AllowInsecure: true, CallbackBaseURL: baseURL, RecoveryWindow: window,
		PersistBackoff: wait.Backoff{Duration: time.Millisecond, Factor: 1, Steps: 3},
	}
	p.videos.Init()
	p.storage = &storagectl.Reconciler{
		Client: w.faults.controller, Live: w.live, Locations: places, Transfers: transfers, Fetcher: fetcher, Credentials: secrets, KIE: kieClient,
		Clock: clk, Recorder: p.recorder, Metrics: metrics, AllowInsecure: true,
	}
	p.storage.Init()
	p.release = &storagectl.Releaser{Client: w.faults.controller, Locations: places, Transfers: transfers, Clock: clk, Recorder: p.recorder}
	p.release.Init()
	p.accounts = &accountctl.Reconciler{
		Client: w.faults.controller, Credentials: secrets, KIE: kieClient, Ledger: ledger, Clock: clk, Metrics: metrics,
		CallbackBaseURL: baseURL, AllowInsecure: true,
	}
	p.queue = newQueue(clk, p.videos, p.videos.Watches())
	p.storageQueue = newQueue(clk, p.storage, p.storage.Watches())
	p.releaseQueue = newQueue(clk, p.release, p.release.Watches())
	p.accountQueue = newQueue(clk, p.accounts, p.accounts.Watches())
	p.handler = callback.NewHandler(callback.Options{
		Reader: w.cache, APIReader: w.live, Writer: w.faults.receiver.Status(), Credentials: secrets, Clock: clk, Registerer: registry, Log: ctrl.Log,
	})
	w.proc = p
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// create applies a VideoGeneration.
func (w *world) create(name string, change ...func(*v1alpha1.VideoGeneration)) *v1alpha1.VideoGeneration {
	w.t.Helper()
	vg := &v1alpha1.VideoGeneration{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec:       v1alpha1.VideoGenerationSpec{Prompt: testPrompt + name},
	}
	for _, c := range change {
		c(vg)
	}
	w.must(w.live.Create(w.t.Context(), vg))
	return vg
}

// prompt adds markers for the simulator.
func prompt(markers string) func(*v1alpha1.VideoGeneration) {
	return func(vg *v1alpha1.VideoGeneration) { vg.Spec.Prompt += " " + markers }
}

// get reads a VideoGeneration from the API server.
func (w *world) get(name string) *v1alpha1.VideoGeneration {
	w.t.Helper()
	vg := &v1alpha1.VideoGeneration{}
	w.must(w.live.Get(w.t.Context(), types.NamespacedName{Namespace: w.namespace, Name: name}, vg))
	return vg
}

// update changes a VideoGeneration as a user would.
func (w *world) update(name string, change func(*v1alpha1.VideoGeneration)) {
	w.t.Helper()
	vg := w.get(name)
	before := vg.DeepCopy()
	change(vg)
	w.must(w.live.Patch(w.t.Context(), vg, client.MergeFrom(before)))
}

func (w *world) account() *v1alpha1.KieAccount {
	w.t.Helper()
	account := &v1alpha1.KieAccount{}
	w.must(w.live.Get(w.t.Context(), types.NamespacedName{Namespace: w.namespace, Name: v1alpha1.DefaultAccountName}, account))
	return account
}

// state is what a reader shows, as resourceVersions.
func (w *world) state(reader client.Reader) map[string]string {
	w.t.Helper()
	versions := map[string]string{}
	var videos v1alpha1.VideoGenerationList
	w.must(reader.List(w.t.Context(), &videos, client.InNamespace(w.namespace)))
	for _, vg := range videos.Items {
		versions["vg/"+vg.Name] = vg.ResourceVersion
	}
	var accounts v1alpha1.KieAccountList
	w.must(reader.List(w.t.Context(), &accounts, client.InNamespace(w.namespace)))
	for _, a := range accounts.Items {
		versions["ka/"+a.Name] = a.ResourceVersion
	}
	return versions
}

// sync waits until the cache shows what the API server has, and the handlers
// have seen it.
func (w *world) sync() {
	w.t.Helper()
	w.catchUp()
	w.notify()
}

// catchUp waits until the cache shows what the API server has.
func (w *world) catchUp() {
	w.t.Helper()
	want := w.written.all()
	err := wait.PollUntilContextTimeout(w.t.Context(), time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		return maps.Equal(want, w.state(w.cache)), nil
	})
	if err != nil {
		w.t.Fatalf("the cache did not catch up: %v", err)
	}
}

// errCrash is the end of the process in the middle of a reconcile.
var errCrash = errors.New("the process is gone")

// reconcile looks at one VideoGeneration, if it is in the workqueue.
func (w *world) reconcile(name types.NamespacedName) {
	w.t.Helper()
	w.look(w.proc.queue, name)
}

// keep stores the videos of a VideoGeneration, if it is in that workqueue.
func (w *world) keep(name types.NamespacedName) {
	w.t.Helper()
	w.look(w.proc.storageQueue, name)
}

func (w *world) collectEvents() {
	for {
		select {
		case e := <-w.proc.recorder.Events:
			w.events, w.eventsAt = append(w.events, e), append(w.eventsAt, w.clock.Now())
		default:
			return
		}
	}
}

// round looks once at everything that is due, and reports whether there was
// anything to do.
func (w *world) round() bool {
	w.t.Helper()
	w.restarted = false
	struck := w.strike()
	w.sync()
	before := w.written.all()
	unseen := w.unseen > 0
	looked := false
	if unseen {
		w.unseen--
	} else {
		looked = w.lookAtAll()
	}
	delivered := w.sim.Deliver(w.t.Context())
	if w.dies.Swap(false) {
		w.restart()
		w.restarted = true
	}
	return struck || looked || delivered > 0 || w.restarted || unseen || !maps.Equal(before, w.written.all())
}

// lookAtAll looks once at everything that is due, the accounts first, and
// reports whether there was anything.
func (w *world) lookAtAll() (looked bool) {
	w.t.Helper()
	look := func(q func() *queue, name types.NamespacedName) { // the process, and with it the queue, may be another one meanwhile
		if w.look(q(), name) {
			looked = true
			w.sync()
		}
	}
	for _, name := range w.proc.accountQueue.due() {
		look(func() *queue { return w.proc.accountQueue }, name)
	}
	var names []types.NamespacedName
	for _, q := range w.proc.queues()[1:] {
		names = append(names, q.due()...)
	}
	for _, name := range inOrder(names) {
		look(func() *queue { return w.proc.queue }, name)
		look(func() *queue { return w.proc.storageQueue }, name)
		look(func() *queue { return w.proc.releaseQueue }, name)
	}
	return looked
}

// run goes on until nothing happens any more or the time is over. The clock
// moves to the next thing that is due, and no further.
func (w *world) run(horizon time.Duration) {
	w.t.Helper()
	end := w.clock.Now().Add(horizon)
	for range 30_000 {
		if w.round() {
			continue
		}
		if w.paid() > 200 {
			w.t.Fatal("it buys on and on")
		}
		if w.faults.most > 0 && w.faults.writes.Load() > w.faults.most {
			w.t.Fatal("it writes on and on")
		}
		next, some := w.nextEvent()
		// An account is looked at for ever; that matters to those who wait.
		if account, ok := w.proc.accountQueue.soonest(); ok && (!some || account.Before(next)) && len(w.waits()) > 0 {
			if later := latest(account, w.clock.Now().Add(w.opts.accountsLater)); !some || later.Before(next) {
				next, some = later, true
			}
		}
		if !some || next.After(end) {
			return
		}
		w.clock.SetTime(latest(next, w.clock.Now().Add(time.Millisecond)))
	}
	w.t.Fatalf("it does not come to rest: %v", w.waits())
}

// nextEvent is when KIE.AI or the operator has something to do next, the looks
// at accounts left out.
func (w *world) nextEvent() (next time.Time, some bool) {
	next, some = w.sim.NextEvent()
	for _, t := range w.timers {
		if !some || t.at.Before(next) {
			next, some = t.at, true
		}
	}
	for _, q := range w.proc.queues()[1:] {
		if at, ok := q.soonest(); ok && (!some || at.Before(next)) {
			next, some = at, true
		}
	}
	return next, some
}

// waits says of everything that is on its way to an end what it waits for.
func (w *world) waits() (waiting []string) {
	w.t.Helper()
	var videos v1alpha1.VideoGenerationList
	w.must(w.cache.List(w.t.Context(), &videos, client.InNamespace(w.namespace)))
	for _, vg := range videos.Items {
		if c := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReconciling); c != nil {
			waiting = append(waiting, vg.Name+": "+c.Message)
		}
	}
	return waiting
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// pass lets time pass and then looks.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.clock.SetTime(w.clock.Now().Add(d))
	for w.round() {
	}
}

// assertPaidOnce holds after every test: nothing was paid for twice, and what came
// to its end stayed there.
func (w *world) assertPaidOnce() {
	for _, regression := range w.written.regressions {
		w.t.Errorf("an end did not stay: %s", regression)
	}
	prompts := map[string]int{}
	for _, task := range w.sim.State().Tasks {
		prompts[task.Prompt]++
	}
	for p, n := range prompts {
		if n > w.paidMost {
			w.t.Errorf("%q was paid for %d times", p, n)
		}
	}
	if !w.opts.noCallbacks {
		for attempt, n := range w.sim.PaidByCallback() {
			if n > 1 {
				w.t.Errorf("attempt %s was paid for %d times", attempt, n)
			}
		}
	}
}

// assertNothingLeaks holds after every test: no Event, metric or status shows what
// it must not. What a log must not show is looked for after all tests.
func (w *world) assertNothingLeaks() {
	secrets := map[string]string{"an API key": fixture.APIKey, "a webhook key": fixture.HMACKey, "a callback path": "/v1/callbacks/"}
	look := func(where, text string) {
		for what, secret := range secrets {
			if strings.Contains(text, secret) {
				w.t.Errorf("%s shows %s", where, what)
			}
		}
	}
	w.written.mu.Lock()
	defer w.written.mu.Unlock()
	for name, history := range w.written.history {
		for _, vg := range history {
			status, err := json.Marshal(vg.Status)
			w.must(err)
			look("the status of "+name, string(status))
		}
	}
	secrets["a prompt"] = testPrompt
	for _, task := range w.sim.State().Tasks {
		if task.Attempt != "" {
			secrets["the attempt of "+task.ID] = task.Attempt
		}
	}
	for _, upgrade := range w.sim.State().Upgrades {
		if upgrade.Attempt != "" {
			secrets["the attempt of an upgrade of "+upgrade.TaskID] = upgrade.Attempt
		}
	}
	for _, event := range w.events {
		look("an Event", event)
	}
	for _, registry := range w.registries {
		families, err := registry.Gather()
		w.must(err)
		for _, family := range families {
			look("a metric", family.String())
		}
	}
}

// callBack calls back as KIE.AI would, with a valid signature.
func (w *world) callBack(attempt, taskID string) int {
	w.t.Helper()
	return w.callBackWith(fixture.HMACKey, attempt, taskID)
}

// callBackWith calls back with a signature by some key.
func (w *world) callBackWith(key, attempt, taskID string) int {
	w.t.Helper()
	body := strings.NewReader(`{"code":200,"msg":"success","data":{"taskId":"` + taskID + `"}}`)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, attempts.URL(w.callbacks.URL, attempt), body)
	w.must(err)
	timestamp := strconv.FormatInt(w.clock.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(kie.HeaderTimestamp, timestamp)
	req.Header.Set(kie.HeaderSignature, kie.Sign(key, taskID, timestamp))
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	w.must(resp.Body.Close())
	return resp.StatusCode
}

func (w *world) paid() int { return len(w.sim.State().Tasks) }

// wantReady asserts the Ready condition of a VideoGeneration, and that all of
// its conditions hang together.
func (w *world) wantReady(name string, status metav1.ConditionStatus, reason string) *v1alpha1.VideoGeneration {
	w.t.Helper()
	vg := w.get(name)
	for _, problem := range fixture.LintStatus(vg) {
		w.t.Errorf("%s: %s", name, problem)
	}
	for _, c := range vg.Status.Conditions {
		if c.Type == v1alpha1.ConditionReady {
			if c.Status != status || c.Reason != reason {
				w.t.Errorf("%s: Ready is %s/%s (%s), want %s/%s", name, c.Status, c.Reason, c.Message, status, reason)
			}
			return vg
		}
	}
	w.t.Errorf("%s: there is no Ready condition, want %s/%s", name, status, reason)
	return vg
}

// after calls back when a write of the controller was made, and before it hears of it.
func (w *world) after(write int, act func()) {
	first := int(w.faults.writes.Load())
	w.faults.onWrite = func(n int, do func() error) error {
		err := do()
		if n == first+write && err == nil {
			act()
		}
		return err
	}
}
