#!/bin/bash
#SBATCH --job-name=gsm8k
#SBATCH --array=1-4
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
# One shard a task. SLURM warns 120 seconds before the time is up; the runner
# then drains, saves and ends with 143, and the task puts itself in the queue
# again. A node that dies is requeued by SLURM; the journal goes on from there.
bench-runner run -c bench.yaml --shard slurm/4 --journal-dir shards \
  --drain-timeout 60s &
runner=$!
trap 'kill -TERM $runner' TERM
wait $runner
code=$?
# The trap ended the wait early; the runner's own code is what counts.
while kill -0 $runner 2>/dev/null; do
  wait $runner
  code=$?
done
if [[ $code -eq 143 ]]; then
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit $code
