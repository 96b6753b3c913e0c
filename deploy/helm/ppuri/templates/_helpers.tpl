{{- define "ppuri.labels" -}}
app.kubernetes.io/name: ppuri
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "ppuri.selector" -}}
app.kubernetes.io/name: ppuri
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "ppuri.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* The DNS name of the servers, which is in their certificates. */}}
{{- define "ppuri.serverHost" -}}
{{ .Release.Name }}-server.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{/* What each pod has in common; `user` is the user it runs as. */}}
{{- define "ppuri.pod" -}}
automountServiceAccountToken: false
# Variables of services could be taken for ours.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  seccompProfile: { type: RuntimeDefault }
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "ppuri.spread" -}}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: { matchLabels: { {{ include "ppuri.selector" $ | replace "\n" ", " }} } }
  {{- end }}
{{- end }}

{{- define "ppuri.confined" -}}
securityContext:
  readOnlyRootFilesystem: true
  allowPrivilegeEscalation: false
  capabilities: { drop: [ALL] }
{{- end }}

{{/* A program of the image with `args`: its variables, secrets by the file that each is in, and the files that it reads. */}}
{{- define "ppuri.container" -}}
- name: {{ .name }}
  image: {{ include "ppuri.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: {{ toJson .args }}
  env:
    {{- range $name, $key := .secrets }}
    - { name: {{ $name }}_FILE, value: /run/secrets/ppuri/{{ $key }} }
    {{- end }}
    {{- range $name, $value := .env }}
    - { name: {{ $name }}, value: {{ $value | quote }} }
    {{- end }}
  resources: {{ toYaml .resources | nindent 4 }}
  {{- include "ppuri.confined" . | nindent 2 }}
  volumeMounts:
    - { name: secrets, mountPath: /run/secrets/ppuri, readOnly: true }
    {{- range $name := .tls }}
    {{- if include "ppuri.tlsSecret" (list $.root $name) }}
    - { name: tls-{{ $name }}, mountPath: /run/tls/{{ $name }}, readOnly: true }
    {{- end }}
    {{- end }}
    {{- if .checkpoints }}
    - { name: checkpoints, mountPath: /var/lib/ppuri/checkpoints }
    {{- end }}
{{- end }}

{{/* The Secret with certificates of this name; empty where there is none. */}}
{{- define "ppuri.tlsSecret" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}
{{- $default := and (eq $name "postgres") $root.Values.cloudnativepg.enabled | ternary (printf "%s-postgres-ca" $root.Release.Name) "" }}
{{- (index $root.Values.tls $name).secret | default $default }}
{{- end }}

{{/* The volumes of a pod with these `secrets` and `tls`. Their files are for the group of the pod: 288 is 0440. */}}
{{- define "ppuri.volumes" -}}
- name: secrets
  secret:
    secretName: {{ .root.Values.secrets.name }}
    defaultMode: 288
    items:
      {{- range $key := .secrets | values | uniq | sortAlpha }}
      - { key: {{ $key }}, path: {{ $key }} }
      {{- end }}
{{- range $name := .tls }}
{{- with include "ppuri.tlsSecret" (list $.root $name) }}
- name: tls-{{ $name }}
  secret:
    secretName: {{ . }}
    defaultMode: 288
    items:
      {{- range $key := eq $name "server" | ternary (list "tls.crt" "tls.key") (index $.root.Values.tls $name).keys }}
      - { key: {{ $key }}, path: {{ $key }} }
      {{- end }}
{{- end }}
{{- end }}
{{- with .checkpoints }}
- name: checkpoints
  persistentVolumeClaim: { claimName: {{ . }} }
{{- end }}
{{- end }}

{{/* The secrets that servers and workers have in common, as variable and key of the Secret. */}}
{{- define "ppuri.commonSecrets" -}}
REDIS_URL: redis_url
{{- range $key := list "redis_sentinel_password" "otel_exporter_otlp_endpoint" "otel_exporter_otlp_headers" }}
{{- if has $key $.Values.secrets.optional }}
{{ upper $key }}: {{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{/* The secrets of a server. */}}
{{- define "ppuri.serverSecrets" -}}
DATABASE_URL: app_url
KEY_ENCRYPTION_KEYS: key_encryption_keys
{{- if .Values.replica.enabled }}
REPLICA_URL: replica_url
{{- end }}
{{- if .Values.archive.enabled }}
ARCHIVE_DATABASE_URL: archive_app_url
{{- end }}
{{ include "ppuri.commonSecrets" . }}
{{- end }}

{{/* The secrets of a worker. */}}
{{- define "ppuri.workerSecrets" -}}
DATABASE_URL: worker_url
KEY_ENCRYPTION_KEYS: key_encryption_keys
{{- if .Values.archive.enabled }}
ARCHIVE_DATABASE_URL: archive_worker_url
{{- end }}
{{- range $key := list "ops_key" "kafka_password" }}
{{- if has $key $.Values.secrets.optional }}
{{ upper $key }}: {{ $key }}
{{- end }}
{{- end }}
{{ include "ppuri.commonSecrets" . }}
{{- end }}

{{/* How long a program may take to stop, in milliseconds, by its variables. */}}
{{- define "ppuri.stopMs" -}}
{{ add (.STOP_DRAIN_MS | default 2000) (.STOP_GRACE_MS | default 7000) }}
{{- end }}

{{/* The most servers at a time, but for the one more while they are replaced. */}}
{{- define "ppuri.maxServers" -}}
{{ .Values.server.autoscaling.enabled | ternary .Values.server.autoscaling.maxReplicas .Values.server.replicas }}
{{- end }}

{{/*
The connections to Postgres that this release opens at most, one more program of each kind while they are replaced: those of
docs/performance.md, and 20 for the migration, operators, backups and exporters.
*/}}
{{- define "ppuri.connections" -}}
{{- $server := .Values.server.env }}{{ $admin := .Values.admin.env }}{{ $worker := .Values.worker.env }}
{{- $ofServer := add 10 ($server.LEDGER_LANES | default 2) ($server.READ_CONNECTIONS | default 8) }}
{{- $ofAdmin := add 14 ($admin.LEDGER_LANES | default 2) ($admin.READ_CONNECTIONS | default 8) }}
{{- $ofWorker := add 22 ($worker.LEDGER_LANES | default 2) (hasKey $worker "KAFKA_BROKERS" | ternary 1 0) }}
{{- add (mul $ofServer (add1 (include "ppuri.maxServers" .))) (mul $ofAdmin 2) (mul $ofWorker (add1 .Values.worker.replicas)) 20 }}
{{- end }}
