// mlgate mail …: the mails of the outbox. Works on the data folder itself, whether or not a server
// runs on it.
#include "app/app.h"
#include "app/mail_role.h"
#include "notify/smtp.h"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace mlgate::app {
namespace {

constexpr std::size_t kListed = 1'000;

Result<std::string> with_outbox(const Context& context,
                                const std::function<Result<std::string>(notify::Outbox&)>& work) {
  const DataFolder data = context.data();
  if (!data.initialised())
    return fail(Errc::not_found,
                data.root.string() + " is not initialised; run 'mlgate init' first");
  TRY(const auto store, store::open_sqlite(data.store()));
  TRY(const store::Vault vault, store::Vault::open(data.master_key()));
  notify::Outbox outbox = outbox_of(context.settings, *store, vault);
  return work(outbox);
}

Result<std::string> list_mails(notify::Outbox& outbox) {
  TRY(const auto mails, outbox.list("", kListed));
  std::string out;
  for (const notify::Mail& one : mails) {
    out += one.id + "  " + to_iso8601(one.created_ms) + "  " + std::string(to_text(one.state)) +
           "  " + one.to + "  " + one.subject;
    if (!one.error.empty()) out += "  (" + one.error + ")";
    out += "\n";
  }
  return out;
}

Result<std::string> show_mail(notify::Outbox& outbox, const std::string& id) {
  TRY(const notify::Mail mail, outbox.find(id));
  std::string out = "From: " + mail.from_name + " <" + mail.from + ">\nTo: " + mail.to +
                    "\nSubject: " + mail.subject + "\nState: " + std::string(to_text(mail.state)) +
                    "\n\n";
  if (mail.body.empty()) return out + "The text held a one-time link and was not kept.\n";
  return out + notify::plain_text(mail.body);
}

}  // namespace

void add_mail(CLI::App& program, Chosen& chosen) {
  CLI::App* mail = program.add_subcommand("mail", "Mails that wait, were sent, or failed");
  mail->require_subcommand(1);
  using Work = std::function<Result<std::string>(notify::Outbox&)>;
  const auto run = [&chosen](Work work) {
    chosen = [work = std::move(work)](Context& context) {
      const auto text = with_outbox(context, work);
      if (!text) return complain(text.error().message());
      std::printf("%s", text->c_str());
      return 0;
    };
  };
  mail->add_subcommand("list", "Lists them, the newest first")->callback([run] {
    run(list_mails);
  });
  auto id = std::make_shared<std::string>();
  CLI::App* show = mail->add_subcommand("show", "Prints one as plain text");
  show->add_option("id", *id, "Its id")->required();
  show->callback(
      [run, id] { run([id](notify::Outbox& outbox) { return show_mail(outbox, *id); }); });
}

}  // namespace mlgate::app
