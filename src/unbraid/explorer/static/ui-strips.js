// Strips of images, decoded by a worker so that they never hold up a move; one row at a time.

/** What runs in the worker, after the text of the interpreter. */
function stripWorker() {
  const nets = [];
  onmessage = ({ data }) => {
    if (data.graph) {
      nets[data.run] = new Net(data.graph, data.weights);
      return;
    }
    const images = data.codes.map((code) => Float32Array.from(nets[data.run].run([code])[0].data));
    postMessage({ ticket: data.ticket, images }, images.map((image) => image.buffer));
  };
}

/** Decodes lists of codes beside the page; a new batch of jobs replaces those not yet begun. */
class Strips {
  constructor(runs) {
    this.runs = runs;
    this.queues = new Map(); // by who asks: its jobs that wait
    this.ticket = 0;
    this.busy = null;
    const source = `${document.getElementById("net").textContent}\n(${stripWorker})();`;
    this.address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    try {
      this.worker = new Worker(this.address);
      this.worker.onmessage = ({ data }) => this.answer(data);
      this.worker.onerror = (event) => { event.preventDefault(); this.alone(); };
      runs.forEach((run, index) => {
        this.worker.postMessage({ run: index, graph: run.about.functions.decode, weights: run.weights });
      });
    } catch {
      this.alone();
    }
  }

  /** Decode on the page's own thread, where no worker may be started. */
  alone() {
    this.worker = null;
    const waiting = this.busy;
    this.busy = null;
    if (waiting) this.queues.set("again", [waiting]);
    this.next();
  }

  /** Ask for jobs, {run, codes, then}, in place of those that `who` asked for before. */
  ask(who, jobs) {
    if (this.busy?.who === who) this.busy.stale = true;
    this.queues.set(who, jobs.map((job) => ({ ...job, who })));
    this.next();
  }

  get idle() { return !this.busy && [...this.queues.values()].every((jobs) => !jobs.length); }

  next() {
    if (this.busy) return;
    for (const jobs of this.queues.values()) {
      const job = jobs.shift();
      if (!job) continue;
      this.busy = job;
      const ticket = ++this.ticket;
      if (this.worker) {
        this.worker.postMessage({ ticket, run: job.run.index, codes: job.codes });
      } else {
        setTimeout(() => this.answer({ ticket, images: job.codes.map((code) => job.run.decode(code)) }));
      }
      return;
    }
  }

  answer({ ticket, images }) {
    if (ticket !== this.ticket || !this.busy) return;
    const job = this.busy;
    this.busy = null;
    if (!job.stale) job.then(images);
    this.next();
  }
}
