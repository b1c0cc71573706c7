// NICo, as its generated Go client does it: the documented types, and dates that must parse.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

type Task struct {
	Id       string     `json:"id"`
	Status   string     `json:"status"`
	Message  string     `json:"message"`
	RuleId   *string    `json:"ruleId"`
	Started  *time.Time `json:"started"`
	Finished *time.Time `json:"finished"`
	Created  time.Time  `json:"created"`
	Updated  time.Time  `json:"updated"`
}

type APIError struct {
	Source  string         `json:"source"`
	Message string         `json:"message"`
	Data    map[string]any `json:"data"`
}

var base, key, site = os.Args[1], os.Args[2], os.Args[3]

func call(method, path string, body any, into any) int {
	raw, _ := json.Marshal(body)
	request, _ := http.NewRequest(method, base+"/v2/org/default/nico"+path, bytes.NewReader(raw))
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	if err := json.Unmarshal(answer, into); err != nil {
		panic(fmt.Sprintf("%s: %s", err, answer))
	}
	return response.StatusCode
}

func main() {
	here := map[string]string{"siteId": site}
	rack := "/rack/55555555-5555-4555-8555-555555555555"
	var begun struct {
		TaskIds []string `json:"taskIds"`
	}
	call("PATCH", rack+"/power", map[string]string{"siteId": site, "state": "on"}, &begun)
	var task Task
	status := call("POST", "/task/"+begun.TaskIds[0]+"/cancel", here, &task)
	fmt.Println(status, task.Status, task.RuleId == nil, task.Finished.Equal(task.Updated))
	var wrong APIError
	status = call("POST", "/task/"+site+"/cancel", here, &wrong)
	fmt.Println(status, wrong.Message)
}
