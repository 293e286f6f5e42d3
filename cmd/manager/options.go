// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/kie-operator/kie-operator/internal/callback"
)

// disabled is the address of a server that is not to be started.
const disabled = "0"

// options are the command line of the operator.
type options struct {
	callbackBindAddress      string
	callbackBaseURL          string
	callbackCertPath         string
	metricsBindAddress       string
	healthProbeBindAddress   string
	leaderElect              bool
	leaderElectionNamespace  string
	operatorNamespace        string
	watchNamespaces          []string
	maxConcurrentReconciles  int
	submissionRecoveryWindow time.Duration
	maxConcurrentDownloads   int
	fileStorageRoot          string
	allowPrivateNetworks     bool
	version                  bool
	log                      zap.Options
}

// parseOptions reads and checks the command line. The error is a sentence that
// names what is wrong with it.
func parseOptions(args []string, output io.Writer) (options, error) {
	var o options
	var watch string
	fs := flag.NewFlagSet("manager", flag.ContinueOnError)
	fs.SetOutput(output)
	fs.StringVar(&o.callbackBindAddress, "callback-bind-address", ":8082", "address of the server that KIE.AI calls back")
	fs.StringVar(&o.callbackBaseURL, "callback-base-url", "",
		"public URL under which KIE.AI reaches the callback server, such as https://kie.example.com; empty means that results are learned by polling only")
	fs.StringVar(&o.callbackCertPath, "callback-cert-path", "",
		"folder with tls.crt and tls.key, such as a mounted Secret, for https on the callback server; it may be replaced while the operator runs; empty means plain http")
	fs.StringVar(&o.metricsBindAddress, "metrics-bind-address", disabled, "address of the metrics server, which speaks https and asks the API server who may read; 0 for none")
	fs.StringVar(&o.healthProbeBindAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz; 0 for none")
	fs.BoolVar(&o.leaderElect, "leader-elect", false, "elect one of several replicas to buy; all of them take callbacks")
	fs.StringVar(&o.leaderElectionNamespace, "leader-election-namespace", "", "namespace of the leader's lease (default: the namespace of the operator)")
	fs.StringVar(&o.operatorNamespace, "operator-namespace", "kie-operator-system", "namespace of the operator; its KieAccount named default pays for VideoGenerations whose own namespace has none")
	fs.StringVar(&watch, "watch-namespaces", "", "namespaces to work in, separated by commas; empty means all")
	fs.IntVar(&o.maxConcurrentReconciles, "max-concurrent-reconciles", 16, "how many VideoGenerations are worked on at a time")
	fs.DurationVar(&o.submissionRecoveryWindow, "submission-recovery-window", 30*time.Minute,
		"how long to wait for the callback of a purchase whose answer was lost")
	fs.IntVar(&o.maxConcurrentDownloads, "max-concurrent-downloads", 3, "how many VideoGenerations have their videos stored at a time; each takes about 10 MiB of memory")
	fs.StringVar(&o.fileStorageRoot, "file-storage-root", "", "folder, such as a mounted volume, at or below which storage with file:// has to be; empty means that there is no such storage")
	fs.BoolVar(&o.allowPrivateNetworks, "allow-private-networks", false, "for development only: accept plain http for the KIE.AI API, the callback URL, images and videos, and let them be on this network")
	fs.BoolVar(&o.version, "version", false, "print the version and end")
	config.RegisterFlags(fs)
	o.log.BindFlags(fs)
	if err := fs.Parse(args); err != nil {
		return options{}, err
	}
	if fs.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q: the operator takes flags only, see --help", fs.Arg(0))
	}
	if o.version {
		return o, nil
	}
	for _, namespace := range strings.Split(watch, ",") {
		if namespace = strings.TrimSpace(namespace); namespace != "" {
			o.watchNamespaces = append(o.watchNamespaces, namespace)
		}
	}
	if o.leaderElectionNamespace == "" {
		o.leaderElectionNamespace = o.operatorNamespace
	}
	o.callbackBaseURL = strings.TrimRight(o.callbackBaseURL, "/")
	return o, o.validate()
}

func (o options) validate() error {
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	for name, address := range map[string]string{
		"--callback-bind-address":     o.callbackBindAddress,
		"--metrics-bind-address":      o.metricsBindAddress,
		"--health-probe-bind-address": o.healthProbeBindAddress,
	} {
		if _, _, err := net.SplitHostPort(address); err != nil && address != disabled {
			problem("%s %q is not an address: write host:port, :port, or 0 for none", name, address)
		}
	}
	o.validateCallbacks(problem)
	for flagName, namespaces := range map[string][]string{
		"--operator-namespace":        {o.operatorNamespace},
		"--leader-election-namespace": {o.leaderElectionNamespace},
		"--watch-namespaces":          o.watchNamespaces,
	} {
		for _, namespace := range namespaces {
			if len(validation.IsDNS1123Label(namespace)) > 0 {
				problem("%s: %q is not the name of a namespace", flagName, namespace)
			}
		}
	}
	if o.maxConcurrentReconciles < 1 {
		problem("--max-concurrent-reconciles must be at least 1")
	}
	if o.maxConcurrentDownloads < 1 {
		problem("--max-concurrent-downloads must be at least 1")
	}
	if root := o.fileStorageRoot; root != "" {
		switch info, err := os.Stat(root); {
		case !filepath.IsAbs(root):
			problem("--file-storage-root %q is not an absolute path", root)
		case err != nil || !info.IsDir():
			problem("--file-storage-root %q is not a folder: mount the volume there, or leave the flag out", root)
		}
	}
	if o.submissionRecoveryWindow < time.Second {
		problem("--submission-recovery-window must be at least 1s; KIE.AI takes several minutes for a video")
	}
	return errors.Join(problems...)
}

// validateCallbacks looks at the flags of the callback server.
func (o options) validateCallbacks(problem func(format string, args ...any)) {
	if o.callbackBaseURL != "" {
		u, err := url.Parse(o.callbackBaseURL)
		switch {
		case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
			problem("--callback-base-url is not a plain http or https URL: write something like https://kie.example.com")
		case u.Scheme == "http" && !o.allowPrivateNetworks:
			problem("--callback-base-url is plain http, which would show the tokens in callback URLs to the network: use https, or add --allow-private-networks for development")
		case o.callbackBindAddress == disabled:
			problem("--callback-base-url needs the callback server: give --callback-bind-address an address other than 0")
		}
	}
	if o.callbackCertPath != "" {
		if o.callbackBindAddress == disabled {
			problem("--callback-cert-path needs the callback server: give --callback-bind-address an address other than 0")
		}
		if err := callback.CheckCertificate(o.callbackCertPath); err != nil {
			problem("--callback-cert-path %w", err)
		}
	}
}
