// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"gocloud.dev/blob/s3blob"

	"github.com/kie-operator/kie-operator/internal/egress"
)

const (
	// defaultRegion is what S3-compatible servers go by that have no regions.
	defaultRegion = "us-east-1"
	// maxS3Backoff bounds the time between two of the 3 attempts of a request.
	maxS3Backoff = time.Second
	// maxUploadPages bounds how many lists of a thousand uploads are read. One key has one or two of them.
	maxUploadPages = 3
)

// openS3 opens a bucket of S3, or of a server that is compatible with it.
func (s *Storage) openS3(ctx context.Context, b *Bucket, p Place) error {
	b.name = fmt.Sprintf("bucket %q", b.url.Host)
	if p.Endpoint != "" {
		b.name += " at " + p.endpoint()
	}
	cfg, err := s.s3Config(ctx, p)
	if err != nil {
		return err
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		if p.Endpoint != "" {
			// Not every compatible server knows the newer checksums, or names with the bucket in the host. A bucket with
			// Object Lock takes no body without a checksum, so there is the one that all servers know.
			o.BaseEndpoint, o.UsePathStyle = aws.String(p.endpoint()), true
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
			o.APIOptions = append(o.APIOptions, smithyhttp.AddContentChecksumMiddleware)
		}
		o.DisableLogOutputChecksumValidationSkipped = true
		o.Retryer = retry.NewStandard(retries)
	})
	bucket := s3Bucket{client: client, name: b.url.Host, encryption: types.ServerSideEncryption(p.Encryption)}
	if p.Endpoint == "" {
		bucket.checksum = types.ChecksumAlgorithmCrc32
	}
	if p.KMSKeyID != "" {
		bucket.kmsKeyID = aws.String(p.KMSKeyID)
	}
	b.blob, err = s3blob.OpenBucket(ctx, client, b.url.Host, nil)
	if err != nil {
		return err
	}
	b.special = special{
		// Uploads that were interrupted cost money, and nobody sees them in a list of objects. Some servers
		// cannot list them, and some users may not: that is no reason to store nothing.
		prepare: func(ctx context.Context, key string) error { _ = bucket.abortUploads(ctx, key); return nil },
		sweep:   bucket.sweep,
		put:     bucket.put,
		stamp:   bucket.stamp,
	}
	return nil
}

// retries says which requests the library tries again. The operator tries to store
// again later anyway, so do not wait long here for a server that is away, and do
// not repeat what is not allowed.
func retries(o *retry.StandardOptions) {
	o.MaxBackoff = maxS3Backoff
	o.Retryables = slices.Insert(o.Retryables, 0, retry.IsErrorRetryable(retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		if errors.Is(err, egress.ErrPrivateAddress) || errors.Is(err, egress.ErrInsecureURL) {
			return aws.FalseTernary
		}
		return aws.UnknownTernary
	})))
}

// s3Config is the identity and the region of a place.
func (s *Storage) s3Config(ctx context.Context, p Place) (aws.Config, error) {
	region := p.Region
	if region == "" && p.Endpoint != "" {
		region = defaultRegion
	}
	cfg := aws.Config{HTTPClient: s.client(p)}
	if p.Secret == nil {
		own, err := s.awsIdentity.get(func() (aws.Config, error) { return ownAWS(ctx) })
		if err != nil {
			return aws.Config{}, err
		}
		cfg = own
	} else {
		id, err := p.secret("accessKeyID")
		if err != nil {
			return aws.Config{}, err
		}
		key, err := p.secret("secretAccessKey")
		if err != nil {
			return aws.Config{}, err
		}
		token, _ := p.secret("sessionToken") // not every key has one
		cfg.Credentials = credentials.NewStaticCredentialsProvider(id, key, token)
	}
	if region != "" {
		cfg.Region = region
	}
	if cfg.Region == "" {
		return aws.Config{}, invalid("storage.region is missing: set it to that of %s", p.URL)
	}
	return cfg, nil
}

// ownAWS is the identity that the environment gives the operator at AWS. It uses
// the library's own HTTP client, which follows the environment too: AWS_CA_BUNDLE,
// proxies.
func ownAWS(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(egress.StorageRequestTimeout)))
	if err != nil {
		return aws.Config{}, fmt.Errorf("%w: %w", errNoIdentity, err)
	}
	provider := cfg.Credentials
	cfg.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		found, err := provider.Retrieve(ctx)
		if err != nil {
			return found, fmt.Errorf("%w: %w", errNoIdentity, err)
		}
		return found, nil
	})
	return cfg, nil
}

// s3Bucket is what s3blob has no function for.
type s3Bucket struct {
	client *s3.Client
	name   string
	// checksum is the one that AWS wants of each body, empty for other servers, which get Content-MD5.
	checksum types.ChecksumAlgorithm
	// encryption and kmsKeyID are what the server is asked to encrypt with, empty and nil for what the bucket does.
	encryption types.ServerSideEncryption
	kmsKeyID   *string
}

// escaped is metadata as s3blob writes and reads it.
func escaped(metadata map[string]string) map[string]string {
	values := make(map[string]string, len(metadata))
	for name, value := range metadata {
		values[name] = url.PathEscape(value)
	}
	return values
}

// stamp has the server copy the object onto itself with other metadata, if it is
// the one with the tag: two operators may write for a moment, and the object of one
// must not get the hash of the other.
func (b s3Bucket) stamp(ctx context.Context, key, tag string, metadata map[string]string) error {
	input := &s3.CopyObjectInput{
		Bucket: aws.String(b.name), Key: aws.String(key), CopySource: aws.String(url.QueryEscape(b.name + "/" + key)),
		MetadataDirective: types.MetadataDirectiveReplace, ContentType: aws.String(videoType), Metadata: escaped(metadata),
		ServerSideEncryption: b.encryption, SSEKMSKeyId: b.kmsKeyID,
	}
	if tag != "" {
		input.CopySourceIfMatch = aws.String(tag)
	}
	_, err := b.client.CopyObject(ctx, input)
	return err
}

// sweep aborts the uploads of a key. An answer that refuses that is accepted.
func (b s3Bucket) sweep(ctx context.Context, key string) error {
	err := b.abortUploads(ctx, key)
	if _, ok := errors.AsType[smithy.APIError](err); ok {
		return nil
	}
	return err
}

// abortUploads aborts the uploads of exactly one key that have not ended.
func (b s3Bucket) abortUploads(ctx context.Context, key string) error {
	pages := s3.NewListMultipartUploadsPaginator(b.client, &s3.ListMultipartUploadsInput{
		Bucket: aws.String(b.name), Prefix: aws.String(key),
	})
	for n := 0; n < maxUploadPages && pages.HasMorePages(); n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, upload := range page.Uploads {
			if aws.ToString(upload.Key) != key {
				continue
			}
			if _, err := b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
				Bucket: aws.String(b.name), Key: upload.Key, UploadId: upload.UploadId,
			}); err != nil {
				return err
			}
		}
	}
	return nil
}
