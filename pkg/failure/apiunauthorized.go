package failure

// apiUnauthorized tells failures of the reason APIUnauthorized.
var apiUnauthorized = Class{
	Reason: "APIUnauthorized",
	Any: []string{
		"unauthorized",
		"provide credentials",
		"you must be logged in",
		"must be logged in to the server",
		"invalid bearer token",
		"token has expired",
		"token … expired",
		"token is expired",
		"token … not valid",
		"service account token … invalid",
		"token has been invalidated",
		"status code 401",
		"http status 401",
		"error 401",
		"401 unauthorized",
		"authentication failed",
		"unauthenticated",
		"no credentials",
		"nocredentialproviders",
		"invalid credentials",
		"expiredtoken",
		"authfailure",
		"user name is empty",
		"invalid auth token",
	},
	Samples: []Sample{
		{`plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized`, "projectcalico/calico#8379"},
		{`Get "https://10.0.0.1:443/api/v1/nodes/x": Unauthorized`, ""},
		{`failed to get pod: the server has asked for the client to provide credentials (get pods web-1)`, ""},
	},
}
