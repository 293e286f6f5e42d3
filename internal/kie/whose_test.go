// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"fmt"
	"testing"

	"github.com/kie-operator/kie-operator/internal/fixture/kieapi"
)

func TestWhoseAnswer(t *testing.T) {
	const text, problem = "text/plain; charset=UTF-8", "application/problem+json"
	for i, tc := range []struct {
		reason      string
		status      int
		contentType string
		body        string
		want        whose
	}{
		// KIE.AI, as recorded and as documented.
		{"success", 200, kieapi.TypeAPI, `{"code":200,"msg":"success","data":{"taskId":"a"}}`, theAPI},
		{"the order of the keys is free", 200, kieapi.TypeAPI, `{"data":null,"msg":"success","code":200}`, theAPI},
		{"a refusal", 200, kieapi.TypeAPI, `{"code":422,"msg":"recordInfo is null","data":null}`, theAPI},
		{"the one refusal without data", 200, kieapi.TypeAPI, `{"code":401,"msg":"You do not have access permissions"}`, theAPI},
		{"an empty msg is a text", 200, kieapi.TypeAPI, `{"code":500,"msg":"","data":null}`, theAPI},
		{"space around", 200, kieapi.TypeAPI, ` { "code" : 429 , "msg" : "slow down" } `, theAPI},
		{"a code that nobody knows", 200, kieapi.TypeAPI, `{"code":999,"msg":"?"}`, theAPI},
		{"as the upload host writes it", 400, kieapi.TypeAPI, `{"success":false,"code":400,"msg":"Missing required parameter: uploadPath"}`, theAPI},
		{"a status of its own", 429, kieapi.TypeAPI, `{"code":429,"msg":"Your call frequency is too high. Please try again later.","data":null}`, theAPI},
		{"a status of its own", 500, kieapi.TypeAPI, `{"code":500,"msg":"Server error","data":null}`, theAPI},
		{"a status of its own, declared shorter", 404, "application/json", `{"code":404,"msg":"not found"}`, theAPI},
		{"both texts", 404, kieapi.TypeAPI, `{"code":404,"msg":"not found","message":"not found"}`, theAPI},
		{"HTTP 200 with another type", 200, text, `{"code":402,"msg":"no credits"}`, theAPI},

		// Perhaps KIE.AI.
		{"as some pages print it", 200, kieapi.TypeAPI, `{"code":455,"message":"maintenance"}`, perhapsTheAPI},
		{"nothing but a code", 200, kieapi.TypeAPI, `{"code":200,"data":1}`, perhapsTheAPI},
		{"msg null", 200, kieapi.TypeAPI, `{"code":402,"msg":null}`, perhapsTheAPI},
		{"msg an object", 200, kieapi.TypeAPI, `{"code":402,"msg":{"en":"no"}}`, perhapsTheAPI},
		{"code a text", 200, kieapi.TypeAPI, `{"code":"402","msg":"no"}`, perhapsTheAPI},
		{"code with a point", 200, kieapi.TypeAPI, `{"code":402.0,"msg":"no"}`, perhapsTheAPI},
		{"code with an exponent", 200, kieapi.TypeAPI, `{"code":4e2,"msg":"no"}`, perhapsTheAPI},
		{"a gateway that answers 200 and has codes", 200, kieapi.TypeAPI, `{"code":429,"message":"too many requests","data":null}`, perhapsTheAPI},

		// The same over HTTP is not clear enough.
		{"no msg", 429, kieapi.TypeAPI, `{"code":429}`, aGateway},
		{"message", 429, kieapi.TypeAPI, `{"code":429,"message":"slow down"}`, aGateway},
		{"code a text", 402, kieapi.TypeAPI, `{"code":"402","msg":"no"}`, aGateway},
		{"another status than the code", 400, kieapi.TypeAPI, `{"code":422,"msg":"no"}`, aGateway},
		{"another status than the code", 502, kieapi.TypeAPI, `{"code":429,"msg":"slow down"}`, aGateway},
		{"a refusal of success", 403, kieapi.TypeAPI, `{"code":200,"msg":"success"}`, aGateway},
		{"another success than 200", 201, kieapi.TypeAPI, `{"code":200,"msg":"success"}`, aGateway},
		{"declared as a page", 429, kieapi.TypePage, `{"code":429,"msg":"slow down"}`, aGateway},
		{"declared as the error of a gateway", 429, problem, `{"code":429,"msg":"slow down"}`, aGateway},
		{"not declared", 429, "", `{"code":429,"msg":"slow down"}`, aGateway},

		// Others.
		{"Cloudflare's robot check", 403, text, `error code: 1010`, aGateway},
		{"Cloudflare's limit, to a client that asks for JSON", 429, problem, `{"type":"https://developers.cloudflare.com/","title":"Error 1015: You are being rate limited","status":429,"error_code":1015,"cloudflare_error":true}`, aGateway},
		{"Cloudflare's own API", 429, kieapi.TypeAPI, `{"success":false,"errors":[{"code":10000,"message":"slow down"}],"result":null}`, aGateway},
		{"nginx", 413, kieapi.TypePage, `<html><head><title>413 Request Entity Too Large</title></head></html>`, aGateway},
		{"Envoy", 503, text, `upstream connect error or disconnect/reset before headers`, aGateway},
		{"Envoy", 429, text, `local_rate_limited`, aGateway},
		{"Kong, AWS", 429, kieapi.TypeAPI, `{"message":"API rate limit exceeded","request_id":"a"}`, aGateway},
		{"APISIX", 429, kieapi.TypeAPI, `{"error_msg":"Requests are too frequent"}`, aGateway},
		{"Tyk", 403, kieapi.TypeAPI, `{"error":"API limit exceeded"}`, aGateway},
		{"Azure", 429, kieapi.TypeAPI, `{"statusCode":429,"message":"Rate limit is exceeded."}`, aGateway},
		{"Google", 429, kieapi.TypeAPI, `{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}`, aGateway},
		{"gRPC over JSON", 429, kieapi.TypeAPI, `{"code":8,"message":"quota","details":[]}`, aGateway},
		{"Spring", 404, kieapi.TypeAPI, `{"timestamp":"2026-11-27T11:00:00Z","status":404,"error":"Not Found","path":"/api/v1/veo/generate"}`, aGateway},
		{"Spring with Sentinel", 429, kieapi.TypeAPI, `{"code":429,"message":"Blocked by Sentinel: FlowException","route":"/"}`, aGateway},
		{"Alibaba", 403, kieapi.TypeAPI, `{"Code":"Throttling.Api","Message":"Request was denied due to api flow control","RequestId":"a"}`, aGateway},
		{"capitals", 200, kieapi.TypeAPI, `{"Code":429,"Msg":"slow down"}`, aGateway},
		{"an envelope further down", 200, kieapi.TypeAPI, `{"error":{"code":429,"msg":"slow down"}}`, aGateway},
		{"a list", 200, kieapi.TypeAPI, `[{"code":429,"msg":"slow down"}]`, aGateway},
		{"a text", 200, kieapi.TypeAPI, `"{\"code\":429,\"msg\":\"slow down\"}"`, aGateway},
		{"half an envelope", 200, kieapi.TypeAPI, `{"code":429,"msg":"slow down"`, aGateway},
		{"two envelopes", 200, kieapi.TypeAPI, `{"code":429,"msg":"a"}{"code":200,"msg":"b"}`, aGateway},
		{"code null", 200, kieapi.TypeAPI, `{"code":null,"msg":"?"}`, aGateway},
		{"code a word", 200, kieapi.TypeAPI, `{"code":"Throttling","msg":"?"}`, aGateway},
		{"code a truth", 200, kieapi.TypeAPI, `{"code":true,"msg":"?"}`, aGateway},
		{"code without end", 200, kieapi.TypeAPI, `{"code":99999999999999999999,"msg":"?"}`, aGateway},
		{"null", 200, kieapi.TypeAPI, `null`, aGateway},
		{"nothing", 200, kieapi.TypeAPI, ``, aGateway},
		{"nothing", 429, kieapi.TypeAPI, ``, aGateway},
	} {
		t.Run(fmt.Sprintf("%d %d %.40s", i, tc.status, tc.body), func(t *testing.T) {
			a, err := readAnswer(answerOf(tc.status, tc.contentType, []byte(tc.body)))
			if err != nil {
				t.Fatal(err)
			}
			if a.from != tc.want {
				t.Errorf("%s: got %d, want %d", tc.reason, a.from, tc.want)
			}
		})
	}
}
