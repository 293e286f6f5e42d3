// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/kie-operator/kie-operator/internal/testenv"
)

// daemon is a program that is killed and started again at the same address and
// on the same data.
type daemon struct {
	path  string
	args  []string
	log   *os.File
	ready func(context.Context) error

	mu      sync.Mutex
	process *testenv.Process
}

// start starts the program and waits until it is ready.
func (d *daemon) start(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	process, err := testenv.StartProcess(ctx, d.log, nil, d.path, d.args...)
	if err != nil {
		return err
	}
	d.process = process
	return d.ready(ctx)
}

// kill ends the program without letting it do anything more.
func (d *daemon) kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.process == nil {
		return
	}
	d.process.Signal(syscall.SIGKILL)
	_ = d.process.Wait() // it was killed
	d.process = nil
}

// cluster is an etcd and a kube-apiserver whose ports, keys and data outlive
// their processes.
type cluster struct {
	etcd, api  *daemon
	address    string // of the API server
	admin      *rest.Config
	kubeconfig string
}

// startCluster starts the control plane with the CRDs installed, with everything
// it writes under dir.
func startCluster(ctx context.Context, dir string) (*cluster, error) {
	assets, err := testenv.Assets()
	if err != nil {
		return nil, err
	}
	c := &cluster{kubeconfig: filepath.Join(dir, "admin.kubeconfig")}
	etcdURL, err := c.prepareEtcd(ctx, assets, dir)
	if err != nil {
		return nil, err
	}
	if err := c.prepareAPIServer(ctx, assets, dir, etcdURL); err != nil {
		return nil, err
	}
	if err := c.etcd.start(ctx); err != nil {
		return c, err
	}
	if err := c.api.start(ctx); err != nil {
		return c, err
	}
	if _, err := envtest.InstallCRDs(c.admin, envtest.CRDInstallOptions{
		Paths: []string{filepath.Join(testenv.Root(), "config", "crd", "bases")}, ErrorIfPathMissing: true, Scheme: testenv.Scheme(),
	}); err != nil {
		return c, fmt.Errorf("installing the CRDs: %w", err)
	}
	return c, testenv.WriteKubeconfig(c.kubeconfig, c.admin)
}

// prepareEtcd decides how etcd is started: without fsync, because a process that is
// killed loses nothing that it has written to the kernel.
func (c *cluster) prepareEtcd(ctx context.Context, assets, dir string) (string, error) {
	clients, err := testenv.FreeAddress(ctx)
	if err != nil {
		return "", err
	}
	peers, err := testenv.FreeAddress(ctx)
	if err != nil {
		return "", err
	}
	log, err := os.Create(filepath.Join(dir, "etcd.log"))
	if err != nil {
		return "", err
	}
	url := "http://" + clients
	c.etcd = &daemon{
		path: filepath.Join(assets, "etcd"),
		args: []string{
			"--data-dir=" + filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--quota-backend-bytes=8589934592",
			"--listen-client-urls=" + url, "--advertise-client-urls=" + url,
			"--listen-peer-urls=http://" + peers, "--initial-advertise-peer-urls=http://" + peers, "--initial-cluster=default=http://" + peers,
		},
		log:   log,
		ready: func(ctx context.Context) error { return testenv.Ready(ctx, url+"/health") },
	}
	return url, nil
}

// prepareAPIServer decides how the API server is started, with keys of its own
// and an administrator.
func (c *cluster) prepareAPIServer(ctx context.Context, assets, dir, etcdURL string) error {
	address, err := testenv.FreeAddress(ctx)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	keys := filepath.Join(dir, "keys")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		return err
	}
	servingCert, servingKey, err := cert.GenerateSelfSignedCertKey(host, []net.IP{net.ParseIP(host)}, nil)
	if err != nil {
		return fmt.Errorf("making a certificate: %w", err)
	}
	signer, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("making the key of service accounts: %w", err)
	}
	signerPEM, err := keyutil.MarshalPrivateKeyToPEM(signer)
	if err != nil {
		return fmt.Errorf("making the key of service accounts: %w", err)
	}
	token := rand.Text()
	for name, content := range map[string][]byte{
		"serving.crt": servingCert, "serving.key": servingKey, "signer.key": signerPEM,
		"tokens.csv": []byte(token + ",admin,admin,system:masters\n"),
	} {
		if err := os.WriteFile(filepath.Join(keys, name), content, 0o600); err != nil {
			return err
		}
	}
	log, err := os.Create(filepath.Join(dir, "kube-apiserver.log"))
	if err != nil {
		return err
	}
	c.address = address
	c.admin = &rest.Config{Host: "https://" + address, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{CAData: servingCert}, QPS: -1}
	c.api = &daemon{
		path: filepath.Join(assets, "kube-apiserver"),
		args: []string{
			"--etcd-servers=" + etcdURL, "--bind-address=" + host, "--secure-port=" + port,
			"--tls-cert-file=" + filepath.Join(keys, "serving.crt"), "--tls-private-key-file=" + filepath.Join(keys, "serving.key"),
			"--service-account-issuer=https://" + address + "/", "--service-account-key-file=" + filepath.Join(keys, "signer.key"),
			"--service-account-signing-key-file=" + filepath.Join(keys, "signer.key"), "--token-auth-file=" + filepath.Join(keys, "tokens.csv"),
			"--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=RBAC", "--allow-privileged",
			"--disable-admission-plugins=ServiceAccount",
		},
		log:   log,
		ready: c.apiReady,
	}
	return nil
}

// apiReady waits until the API server says that it is ready.
func (c *cluster) apiReady(ctx context.Context) error {
	clients, err := kubernetes.NewForConfig(c.admin)
	if err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	return eventually(ctx, time.Minute, "the API server is ready", func(ctx context.Context) bool {
		return clients.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil
	})
}

// stop kills both processes. On SIGTERM the API server would wait for open watches.
func (c *cluster) stop() {
	c.api.kill()
	c.etcd.kill()
}

// eventually waits for a condition, for as long as patience lasts.
func eventually(ctx context.Context, patience time.Duration, what string, condition func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for !condition(ctx) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: did not happen within %v", what, patience)
		case <-ticker.C:
		}
	}
	return nil
}
