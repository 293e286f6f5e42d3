// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"

	"github.com/kie-operator/kie-operator/internal/egress"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

var (
	// errNoIdentity means that the environment gives the operator no identity at a provider.
	errNoIdentity = errors.New("the operator has no identity of its own there")
	// errNoToken means that Google gave no token for a key.
	errNoToken = errors.New("there is no token for the key")
	// errNotS3 means that an answer lacks what those of S3 have.
	errNotS3 = errors.New("the answer is not one of S3")
)

// reason is a class of failure, and what there is to be said of a bucket after
// its name: what is wrong, and what to do.
type reason struct {
	class transfer.Class
	wrong string
	todo  string
}

var (
	interrupted  = reason{transfer.Interrupted, "was not written to the end, because the operator was interrupted", "it tries again"}
	tooSlow      = reason{transfer.StorageUnavailable, "does not take the video in time", "check that it is well"}
	private      = reason{transfer.InvalidStorage, "is not at a public address", "use one that can be reached from the internet"}
	insecure     = reason{transfer.InvalidStorage, "is not reached over https", "correct storage.endpoint"}
	redirected   = reason{transfer.InvalidStorage, "is somewhere else", "correct storage.region and storage.endpoint"}
	badRequest   = reason{transfer.AccessDenied, "does not take the request", "correct storage.region and storage.endpoint, and check that the credentials have not expired"}
	noIdentity   = reason{transfer.AccessDenied, "needs credentials, and the operator has none of its own there", "give it an identity, or name a Secret"}
	badKey       = reason{transfer.AccessDenied, "does not accept the credentials", "correct them"}
	clocksDiffer = reason{transfer.AccessDenied, "does not accept the credentials, because its clock and that of the operator differ", "correct the clocks"}
	denied       = reason{transfer.AccessDenied, "denies access", "check the credentials, allow them to read and write objects (and to delete them, with deletionPolicy Delete), and see whether a rule of the storage demands more"}
	deniedByS3   = reason{transfer.AccessDenied, denied.wrong, denied.todo + ", such as an encryption (storage.serverSideEncryption)"}
	fileDenied   = reason{transfer.AccessDenied, "cannot be written to by the operator", "correct its owner and mode, and mount it writable"}
	notFound     = reason{transfer.BucketNotFound, "does not exist", "create it, or correct storage.url"}
	full         = reason{transfer.StorageFull, "has no room left", "make room, or raise its limit"}
	changed      = reason{transfer.StorageUnavailable, "does not hold what was written to it", "check that it is well"}
	garbled      = reason{transfer.StorageUnavailable, "got other bytes than were sent to it", "check what stands before it"}
	notS3        = reason{transfer.StorageUnavailable, "does not answer as S3 does", "correct storage.endpoint, or check what stands before it"}
	unknownHost  = reason{transfer.StorageUnavailable, "cannot be reached, because the name of its host is not known", "correct storage.endpoint, or check the name servers of the cluster"}
	untrustedTLS = reason{transfer.StorageUnavailable, "cannot be reached, because the certificate of its host is not trusted", "give it a valid one"}
	busy         = reason{transfer.StorageUnavailable, "asks for fewer requests", "raise its limit if that does not pass"}
	serverError  = reason{transfer.StorageUnavailable, "answers that it fails", "check that it is well"}
	unavailable  = reason{transfer.StorageUnavailable, "does not answer, or fails", "check that it is well"}
	refused      = reason{transfer.StorageRefused, "refuses a request", "look up what that means there, and change the bucket, or what stands before it"}
	badKMSKey    = reason{transfer.StorageRefused, "cannot encrypt", "correct storage.serverSideEncryption, or the key that it encrypts with"}
)

// failed puts a failure of the bucket into a class and into words.
func (b *Bucket) failed(ctx context.Context, err error) error {
	if known, ok := errors.AsType[*transfer.StorageError](err); ok {
		return known
	}
	r := reasonOf(ctx, b.backend, err)
	message := b.name + " " + r.wrong
	if ctx.Err() == nil {
		message += said(err)
	}
	return &transfer.StorageError{Class: r.class, Message: message + ": " + r.todo, Cause: err}
}

// answerCode is what the codes of all providers look like. Other words of a
// server may hold anything, and are not repeated.
var answerCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._]{0,63}$`)

// said is what a server answered, such as " (HTTP 400 InvalidRequest)", empty if
// it did not.
func said(err error) string {
	code, status := answerOf(err)
	if answer, ok := errors.AsType[*oauth2.RetrieveError](err); ok && answer.Response != nil {
		code, status = answer.ErrorCode, answer.Response.StatusCode
	}
	switch {
	case status == 0:
		return ""
	case !answerCode.MatchString(code):
		return fmt.Sprintf(" (HTTP %d)", status)
	default:
		return fmt.Sprintf(" (HTTP %d %s)", status, code)
	}
}

func reasonOf(ctx context.Context, backend string, err error) reason {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return interrupted
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return tooSlow
	case errors.Is(err, egress.ErrPrivateAddress):
		return private
	case errors.Is(err, egress.ErrInsecureURL):
		return insecure
	case errors.Is(err, errNotAsWritten):
		return changed
	case errors.Is(err, errNotS3):
		return notS3
	}
	if backend == "file" {
		if r, ok := reasonOfFiles(err); ok {
			return r
		}
	}
	for _, find := range []func(error) (reason, bool){reasonOfIdentity, reasonOfAnswer, reasonOfNetwork} {
		if r, ok := find(err); ok {
			if r == denied && backend == "s3" {
				return deniedByS3
			}
			return r
		}
	}
	return unavailable
}

// reasonOfFiles knows what the filesystem complains of.
func reasonOfFiles(err error) (reason, bool) {
	number, ok := errors.AsType[syscall.Errno](err)
	if !ok || isNetwork(err) {
		return reason{}, false
	}
	switch number {
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG:
		return full, true
	case syscall.EACCES, syscall.EPERM, syscall.EROFS:
		return fileDenied, true
	case syscall.ENOENT, syscall.ENOTDIR:
		return notFound, true
	default:
		return reason{}, false
	}
}

// reasonOfIdentity knows why there are no credentials to sign with.
func reasonOfIdentity(err error) (reason, bool) {
	switch {
	case errors.Is(err, errNoIdentity):
		return noIdentity, true
	case errors.Is(err, errNoToken):
		answer, ok := errors.AsType[*oauth2.RetrieveError](err)
		if ok && answer.Response != nil && answer.Response.StatusCode >= http.StatusInternalServerError {
			return unavailable, true
		}
		return denied, true
	}
	if _, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok {
		return noIdentity, true
	}
	// What azidentity returns if it finds nothing has no exported type, but it has this method.
	if _, ok := errors.AsType[interface {
		error
		NonRetriable()
	}](err); ok {
		return noIdentity, true
	}
	return reason{}, false
}

// reasonOfAnswer knows what servers answer.
func reasonOfAnswer(err error) (reason, bool) {
	code, status := answerOf(err)
	if r, ok := reasonOfCode(code); ok {
		return r, true
	}
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok && status/100 == 2 {
		return notS3, true
	}
	return reasonOfStatus(status)
}

// reasonOfCode knows the codes that say more than the status that they come with.
func reasonOfCode(code string) (reason, bool) {
	switch code {
	case "NoSuchBucket", "ContainerNotFound":
		return notFound, true
	case "AuthenticationFailed", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch":
		return badKey, true
	case "RequestTimeTooSkewed":
		return clocksDiffer, true
	case "AccessDenied", "AccessForbidden", "AccountProblem", "AllAccessDisabled", "AuthorizationFailure",
		"AuthorizationPermissionMismatch", "Forbidden", "NotSignedUp", "UnauthorizedAccess":
		return denied, true
	case "QuotaExceeded", "quotaExceeded", "InsufficientStorage", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded":
		return full, true
	case "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect", "TemporaryRedirect":
		return redirected, true
	case "BadRequest": // which is all that S3 says where an answer has no body
		return badRequest, true
	case "NoSuchKey", "NoSuchUpload", "BlobNotFound":
		return changed, true
	case "BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch":
		return garbled, true
	case "RequestTimeout": // with which S3 answers 400
		return unavailable, true
	case "SlowDown", "ServerBusy", "rateLimitExceeded", "userRateLimitExceeded":
		return busy, true
	case "InvalidEncryptionAlgorithmError":
		return badKMSKey, true
	default:
		return badKMSKey, strings.HasPrefix(code, "KMS.")
	}
}

// reasonOfStatus knows what a status means that comes with no code, or with a new
// one. A server that answers 4xx is available: its refusal is not reported as an
// outage.
func reasonOfStatus(status int) (reason, bool) {
	switch status {
	case http.StatusUnauthorized:
		return badKey, true
	case http.StatusForbidden:
		return denied, true
	case http.StatusNotFound:
		return notFound, true
	case http.StatusInsufficientStorage:
		return full, true
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return redirected, true
	case http.StatusTooManyRequests:
		return busy, true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return refused, true
	case http.StatusRequestTimeout:
		return unavailable, true
	}
	switch status / 100 {
	case 4:
		return refused, true
	case 5:
		return serverError, true
	default:
		return unavailable, status != 0
	}
}

// answerOf is the code and the status that a server answered, empty and 0 if it
// did not.
func answerOf(err error) (code string, status int) {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		code = answer.ErrorCode()
	}
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return code, answer.HTTPStatusCode()
	}
	if answer, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return answer.ErrorCode, answer.StatusCode
	}
	if answer, ok := errors.AsType[*googleapi.Error](err); ok {
		if len(answer.Errors) > 0 {
			code = answer.Errors[0].Reason
		}
		return code, answer.Code
	}
	return code, 0
}

// reasonOfNetwork knows why nobody answered.
func reasonOfNetwork(err error) (reason, bool) {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return unknownHost, true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return untrustedTLS, true
	}
	return unavailable, isNetwork(err)
}

func isNetwork(err error) bool {
	_, connection := errors.AsType[*net.OpError](err)
	_, request := errors.AsType[*url.Error](err)
	return connection || request
}

// missing says whether an error means that there is no such object.
func (b *Bucket) missing(err error) bool {
	if err == nil {
		return false
	}
	if b.backend == "file" {
		// Metadata that cannot be read was not written to its end, so the object is not complete.
		_, damaged := errors.AsType[*json.SyntaxError](err)
		return damaged || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, fs.ErrNotExist)
	}
	code, status := answerOf(err)
	if slices.Contains([]string{"NoSuchBucket", "ContainerNotFound"}, code) || strings.Contains(code, "Denied") {
		return false
	}
	return status == http.StatusNotFound || errors.Is(err, storage.ErrObjectNotExist)
}
