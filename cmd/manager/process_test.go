// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

const (
	canaryAPIKey  = "canary-api-key"
	canaryHMACKey = "canary-hmac-key"
	canaryPrompt  = "canary-prompt"
)

// patience bounds every wait for a state. It is long, so that it only ends a
// test that would fail anyway.
const patience = 2 * time.Minute

// manager is a process of the operator with the operator's rights.
type manager struct {
	t       *testing.T
	command *exec.Cmd
	address string // of the callback server
	exited  chan error

	mu  sync.Mutex
	log bytes.Buffer
}

// startManager starts the program that this test binary is too.
func startManager(t *testing.T, callbackAddress string, args ...string) *manager {
	t.Helper()
	return startProgram(t, os.Args[0], callbackAddress, args...)
}

// startPlainManager starts the program as it is installed.
func startPlainManager(t *testing.T, callbackAddress string, args ...string) *manager {
	t.Helper()
	path, err := plainManager()
	if err != nil {
		t.Fatal(err)
	}
	return startProgram(t, path, callbackAddress, args...)
}

func startProgram(t *testing.T, path, callbackAddress string, args ...string) *manager {
	t.Helper()
	m := &manager{t: t, address: callbackAddress, exited: make(chan error, 1)}
	m.command = exec.CommandContext(context.Background(), path, append([]string{
		"--kubeconfig", cluster(t).operatorKubeconfig, "--callback-bind-address", callbackAddress,
		"--health-probe-bind-address", "0", "--allow-private-networks",
	}, args...)...)
	m.command.Env = append(os.Environ(), actAsManager+"=1")
	reader, writer := io.Pipe()
	m.command.Stdout, m.command.Stderr = writer, writer
	if err := m.command.Start(); err != nil {
		t.Fatal(err)
	}
	go m.read(reader)
	go func() {
		m.exited <- m.command.Wait()
		_ = writer.Close()
	}()
	t.Cleanup(func() {
		_ = m.command.Process.Kill()
		if t.Failed() {
			t.Logf("process %d said:\n%s", m.command.Process.Pid, m.said())
		}
	})
	return m
}

func (m *manager) read(reader io.Reader) {
	lines := bufio.NewScanner(reader)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m.mu.Lock()
		m.log.WriteString(lines.Text() + "\n")
		m.mu.Unlock()
	}
}

func (m *manager) said() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.String()
}

// leads reports whether the process works on resources.
func (m *manager) leads() bool { return strings.Contains(m.said(), "Starting workers") }

// listens reports whether the process takes callbacks.
func (m *manager) listens() bool { return strings.Contains(m.said(), "listening for callbacks") }

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, patience, true, func(context.Context) (bool, error) { return condition(), nil })
	if err != nil {
		t.Fatalf("%s: did not happen", what)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

// startSimulator starts a KIE.AI that finishes a video in a moment, and the
// account that buys there.
func startSimulator(t *testing.T, users client.Client) *kiesim.Simulator {
	t.Helper()
	sim, url := serveSimulator(t, kiesim.Options{Latency: time.Second})
	createAccount(t, users, url, v1alpha1.AccountLimits{})
	return sim
}

// serveSimulator starts a KIE.AI and says where it is.
func serveSimulator(t *testing.T, options kiesim.Options) (sim *kiesim.Simulator, url string) {
	t.Helper()
	options.APIKey, options.WebhookHMACKey, options.CallbackBackoff = canaryAPIKey, canaryHMACKey, 200*time.Millisecond
	sim = kiesim.New(options)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("simulator: %v", err)
		}
	})
	return sim, server.URL
}

// createAccount makes the account of everybody, until the test ends.
func createAccount(t *testing.T, users client.Client, url string, limits v1alpha1.AccountLimits) {
	t.Helper()
	createAccountWith(t, users, url, limits, nil)
}

// createAccountWith makes the account of everybody with storage.
func createAccountWith(t *testing.T, users client.Client, url string, limits v1alpha1.AccountLimits, storage *v1alpha1.Storage) {
	t.Helper()
	for _, object := range []client.Object{
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: testenv.OperatorNamespace, Name: "kie-credentials"},
			StringData: map[string]string{v1alpha1.SecretKeyAPIKey: canaryAPIKey, v1alpha1.SecretKeyWebhookHMACKey: canaryHMACKey},
		},
		&v1alpha1.KieAccount{
			ObjectMeta: metav1.ObjectMeta{Namespace: testenv.OperatorNamespace, Name: v1alpha1.DefaultAccountName},
			Spec: v1alpha1.KieAccountSpec{
				CredentialsSecretRef: v1alpha1.SecretReference{Name: "kie-credentials"},
				BaseURL:              url,
				UploadBaseURL:        url,
				Limits:               limits,
				Storage:              storage,
				AllowedNamespaces:    v1alpha1.AllowedNamespaces{From: v1alpha1.NamespacesAll},
			},
		},
	} {
		createUntilTheEnd(t, users, object)
	}
}

// createUntilTheEnd creates an object and deletes it when the test ends.
func createUntilTheEnd(t *testing.T, users client.Client, object client.Object) {
	t.Helper()
	if err := users.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := users.Delete(context.Background(), object); err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
}

// newVideo applies a VideoGeneration, with markers for the simulator, until the test ends.
func newVideo(t *testing.T, users client.Client, name string, markers ...string) *v1alpha1.VideoGeneration {
	t.Helper()
	vg := &v1alpha1.VideoGeneration{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: name},
		Spec:       v1alpha1.VideoGenerationSpec{Prompt: strings.Join(append([]string{canaryPrompt}, markers...), " ")},
	}
	createUntilTheEnd(t, users, vg)
	return vg
}

func usersClient(t *testing.T) client.Client {
	t.Helper()
	users, err := client.New(cluster(t).admin, client.Options{Scheme: testenv.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return users
}

// get asks a server whose certificate nobody has signed, and returns the status.
func get(t *testing.T, url string) int {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // the server makes its own certificate
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// The leader is told to stop while KIE.AI is answering its purchase. The id of
// the task is stored before the process ends, and the other replica goes on.
func TestSIGTERMDuringThePurchase(t *testing.T) {
	users := usersClient(t)
	sim := startSimulator(t, users)
	var leader, other *manager
	base := "http://" + freeAddress(t)
	first := startManager(t, strings.TrimPrefix(base, "http://"), "--leader-elect", "--callback-base-url", base)
	eventually(t, "the first process leads", first.leads)
	second := startManager(t, freeAddress(t), "--leader-elect", "--callback-base-url", base)
	eventually(t, "the second process takes callbacks", second.listens)
	leader, other = first, second

	accepted, release := make(chan kiesim.Task, 1), make(chan struct{})
	sim.SetOnAccepted(func(task kiesim.Task) {
		accepted <- task
		<-release
	})
	vg := newVideo(t, users, "sigterm")
	task := <-accepted
	if err := leader.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the leader knows that it has to stop", func() bool { return strings.Contains(leader.said(), "waiting for all workers to finish") })
	close(release)
	if err := <-leader.exited; err != nil {
		t.Errorf("the leader ended with %v", err)
	}

	if err := users.Get(t.Context(), client.ObjectKeyFromObject(vg), vg); err != nil {
		t.Fatal(err)
	}
	if vg.Status.Task == nil || vg.Status.Task.ID != task.ID {
		t.Fatalf("after the end of the process the task is %+v, want %s", vg.Status.Task, task.ID)
	}
	// The first process had the address of the callbacks; without it, the second one polls.
	eventually(t, "the other process leads", other.leads)
	if sold := sim.State().PaidTasks; sold != 1 {
		t.Errorf("%d tasks were paid for, want 1", sold)
	}
}

// Two replicas, a signed callback to the one that does not lead, and what a
// user sees: kubectl wait returns, the metrics are closed to strangers, and no
// log line has a secret in it.
func TestAReplicaThatDoesNotLeadTakesTheCallback(t *testing.T) {
	users := usersClient(t)
	sim := startSimulator(t, users)
	base := "http://" + freeAddress(t)
	metrics := freeAddress(t)
	leader := startManager(t, freeAddress(t), "--leader-elect", "--callback-base-url", base, "--metrics-bind-address", metrics, "--zap-log-level=5")
	eventually(t, "the first process leads", leader.leads)
	other := startManager(t, strings.TrimPrefix(base, "http://"), "--leader-elect", "--callback-base-url", base, "--zap-log-level=5")
	eventually(t, "the second process takes callbacks", other.listens)

	vg := newVideo(t, users, "called-back")
	if _, err := testenv.Kubectl(t.Context(), cluster(t).adminKubeconfig, nil, "wait", "--for=condition=Ready", "vg/called-back", "--timeout="+patience.String()); err != nil {
		t.Fatal(err)
	}
	if err := users.Get(t.Context(), client.ObjectKeyFromObject(vg), vg); err != nil {
		t.Fatal(err)
	}
	if vg.Status.Callback == nil || !strings.Contains(other.said(), "callback received") || other.leads() {
		t.Errorf("the callback did not come through the replica that does not lead: %+v", vg.Status.Callback)
	}
	if sold := sim.State().PaidTasks; sold != 1 {
		t.Errorf("%d tasks were paid for, want 1", sold)
	}

	if status := get(t, "http://"+metrics+"/metrics"); status != http.StatusBadRequest {
		t.Errorf("metrics over plain http answer %d, want 400", status)
	}
	if status := get(t, "https://"+metrics+"/metrics"); status != http.StatusUnauthorized {
		t.Errorf("metrics without a token answer %d, want 401", status)
	}

	for _, m := range []*manager{leader, other} {
		if err := m.command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := <-m.exited; err != nil {
			t.Errorf("the process ended with %v", err)
		}
		said := m.said()
		for what, secret := range map[string]string{
			"API key": canaryAPIKey, "HMAC key": canaryHMACKey, "prompt": canaryPrompt,
			"callback token": vg.Status.Task.Attempt, "callback path": "/v1/callbacks/",
		} {
			if strings.Contains(said, secret) {
				t.Errorf("the log shows the %s", what)
			}
		}
		if strings.Contains(said, "forbidden") {
			t.Error("the operator was refused something it needs")
		}
	}
}
