// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	s3StartTimeout = 30 * time.Second
	s3StopTimeout  = 10 * time.Second
	s3PollInterval = 20 * time.Millisecond
	s3HealthPath   = "/health"
)

// S3 is a real S3 server that keeps its buckets in a folder. Who starts it stops
// it. It is not safe for concurrent use, but for the server itself.
type S3 struct {
	// Endpoint is the URL of the server, such as http://127.0.0.1:7070.
	Endpoint string
	// AccessKeyID and SecretAccessKey are those of its administrator.
	AccessKeyID, SecretAccessKey string
	// Region is the region that the server gives as its own.
	Region string

	binary  string
	dir     string
	address string
	process *exec.Cmd
	output  *bytes.Buffer
	ended   chan struct{} // closed when the process has ended
}

// StartS3 starts an S3 server that keeps everything in a folder, on a free port
// of this machine, and returns when it answers.
func StartS3(dir string) (*S3, error) {
	binary, err := S3Server()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &S3{
		Endpoint:        "http://" + address,
		AccessKeyID:     "test-access-key",
		SecretAccessKey: "test-secret-key",
		Region:          "us-east-1",
		binary:          binary,
		dir:             dir,
		address:         address,
	}
	if err := s.Restart(); err != nil {
		return nil, err
	}
	return s, nil
}

// S3Server returns the path of versitygw: KIE_TEST_S3_SERVER if it is set, else
// that of bin/s3 of the repository.
func S3Server() (string, error) {
	binary := os.Getenv("KIE_TEST_S3_SERVER")
	if binary == "" {
		binary = filepath.Join(Root(), "bin", "s3", "versitygw")
	}
	if _, err := os.Stat(binary); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no %s: run `make s3-server`, or set KIE_TEST_S3_SERVER to the path of a versitygw", binary)
	}
	return binary, nil
}

// freeAddress is one of this machine at which nobody listens.
func freeAddress() (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// Restart starts the server again on the same port and folder, and returns when
// it answers. A server that runs is killed first.
func (s *S3) Restart() error {
	s.Kill()
	buckets, metadata, users := filepath.Join(s.dir, "buckets"), filepath.Join(s.dir, "metadata"), filepath.Join(s.dir, "users")
	for _, dir := range []string{buckets, metadata, users} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return fmt.Errorf("making a folder for the S3 server: %w", err)
		}
	}
	// Metadata is in files beside the objects, because not every filesystem has extended attributes. There are no
	// users, but without a folder for them the server does not answer an unknown user as other servers do.
	s.process = exec.CommandContext(context.Background(), s.binary, //nolint:gosec // the path is that of a tool of this repository
		"--port", s.address, "--access", s.AccessKeyID, "--secret", s.SecretAccessKey, "--region", s.Region,
		"--iam-dir", users, "--health", s3HealthPath, "--quiet", "posix", "--sidecar", metadata, buckets)
	s.process.Env = []string{"HOME=" + s.dir}
	s.output = &bytes.Buffer{}
	s.process.Stdout, s.process.Stderr = s.output, s.output
	if err := s.process.Start(); err != nil {
		s.process = nil
		return fmt.Errorf("starting %s: %w", s.binary, err)
	}
	s.ended = make(chan struct{})
	go func() {
		defer close(s.ended)
		_ = s.process.Wait() // how it ended does not matter; that it did is found out below
	}()
	return s.wait()
}

// wait returns when the server answers.
func (s *S3) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), s3StartTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ticker := time.NewTicker(s3PollInterval)
	defer ticker.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+s3HealthPath, nil)
		if err != nil {
			return fmt.Errorf("asking the S3 server: %w", err)
		}
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ticker.C:
		case <-s.ended:
			return fmt.Errorf("%s ended at once: %s", s.binary, bytes.TrimSpace(s.output.Bytes()))
		case <-ctx.Done():
			s.Kill()
			return fmt.Errorf("%s does not answer: %s", s.binary, bytes.TrimSpace(s.output.Bytes()))
		}
	}
}

// Kill ends the server at once, in the middle of what it does.
func (s *S3) Kill() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill() // fails if it has ended by itself
	<-s.ended
	s.process = nil
}

// Stop ends the server, and kills it if that takes longer than 10 s.
func (s *S3) Stop() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(syscall.SIGTERM) // fails if it has ended by itself
	timer := time.NewTimer(s3StopTimeout)
	defer timer.Stop()
	select {
	case <-s.ended:
	case <-timer.C:
	}
	s.Kill()
}

// Client returns a client of the server with the rights of its administrator.
func (s *S3) Client() *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint),
		UsePathStyle: true,
		Region:       s.Region,
		Credentials:  credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, ""),
		HTTPClient:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	})
}

// CreateBucket makes a bucket.
func (s *S3) CreateBucket(ctx context.Context, name string) error {
	if _, err := s.Client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
		return fmt.Errorf("creating the bucket %s: %w", name, err)
	}
	return nil
}
