//! The contract that every database keeps, written over the ports alone: a file a theme. A database joins with a way to
//! open it and one line at the end of this file.

mod attempts;
mod booking;
mod calendar;
mod changes;
mod consent;
mod lab;
mod migrations;
mod outbox;
#[path = "../../../tests/postgres.rs"]
mod postgres;
mod records;
mod reminders;
mod texts;

pub(super) use lab::{at, bays, book, by_new};
pub(super) use postgres::Database;

/// Runs the whole contract against one kind of database.
macro_rules! keeps_the_contract {
    ($database:ident, $open:expr) => {
        keeps_the_contract! { $database, $open,
            booking: of_fifty_bookings_of_one_slot_one_wins the_same_effect_again_returns_the_stored_result
                of_twenty_identical_effects_one_happens a_closed_fence_leaves_nothing
                a_turn_that_ends_during_the_write_leaves_nothing what_has_happened_is_told_through_a_closed_fence
                overlaps_of_any_shape_are_refused_and_neighbours_are_not each_bay_takes_one_in_order
                a_new_customer_is_put_on_file_once who_is_not_on_file_is_not_found
                upcoming_is_in_order_and_begins_at_the_given_time booked_times_are_those_that_overlap it_answers;
            changes: a_cancelled_slot_is_free_again a_moved_appointment_keeps_its_bay_or_takes_another
                a_time_that_is_taken_leaves_the_appointment_where_it_is a_stranger_changes_nothing
                what_is_over_cannot_be_changed a_change_happens_once_and_not_behind_a_closed_fence
                of_twenty_moves_into_one_slot_one_wins statements_by_hand_cannot_double_a_bay;
            records: every_field_of_a_customer_comes_back a_number_is_on_file_once
                names_are_found_by_the_beginnings_of_their_words every_field_of_a_vehicle_comes_back
                history_is_in_order_and_money_is_exact every_field_of_an_appointment_comes_back
                instants_are_the_same_on_both_sides_of_a_clock_change a_message_is_taken_once
                the_journal_takes_an_event_once a_call_is_one_line_whatever_arrives_first bays_follow_the_settings
                the_only_vehicle_is_taken_and_a_foreign_one_is_refused the_demonstration_is_added_once
                a_workshop_for_trials_is_added_once
                requests_that_are_given_up_leave_a_booking_with_its_effect_or_nothing;
            outbox: each_change_leaves_its_orders orders_of_one_appointment_keep_their_order
                an_order_is_held_by_one_worker a_lease_that_runs_out_opens_the_order_again
                a_failed_order_waits_for_its_time what_failed_leaves_no_order;
            calendar: an_order_asks_for_what_the_appointment_is_now a_refused_order_is_kept_and_in_nobodys_way
                people_move_and_cancel_in_the_calendar a_deletion_counts_with_and_without_its_version
                people_move_to_another_bay_in_the_calendar a_bay_that_is_taken_takes_no_event
                a_change_in_the_calendar_is_told_as_one_by_telephone what_is_not_possible_is_put_back
                bays_that_are_taken_outside_are_avoided how_far_a_calendar_was_read_is_kept
                orders_are_written_for_a_calendar_that_is_there what_is_over_is_left_as_the_calendar_has_it;
            reminders: a_round_is_made_once_whoever_asks no_second_has_more_calls_than_the_account
                who_is_not_to_be_called_is_skipped_with_a_reason
                the_number_on_file_is_called what_is_overdue_is_missed_and_texted a_call_is_asked_for_once
                a_call_back_takes_the_place_of_those_that_wait of_call_backs_at_once_one_waits
                who_has_been_reminded_on_the_day_is_left_out those_of_a_time_are_listed_latest_first
                a_row_that_cannot_be_read_is_missed_and_the_others_are_called;
            consent: opting_out_and_in a_tool_asks_for_a_call_and_stops_them who_agrees_again_is_called_again;
            attempts: each_word_of_an_attempt_by_where_it_stands an_attempt_is_held_and_found_in_doubt
                attempts_that_do_not_count_are_told_apart a_number_is_called_once_at_a_time
                what_came_of_the_conversation_wins of_many_that_claim_at_once_each_row_goes_to_one;
            texts: a_text_is_ordered_with_what_it_is_about a_reminder_that_waits_holds_up_no_confirmation
                how_a_text_stands_never_goes_back
                without_a_text_the_earliest_that_is_scheduled_is_confirmed
                a_text_message_confirms_what_the_latest_one_was_about the_call_log_is_the_same_in_any_order
                messages_are_listed_latest_first;
        }
    };
    ($database:ident, $open:expr, $($theme:ident: $($clause:ident)*;)*) => {
        mod $database {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $clause() {
                    super::$theme::$clause($open).await;
                }
            )*)*
        }
    };
}

keeps_the_contract!(on_sqlite, super::lab::sqlite);
keeps_the_contract!(on_sqlite_in_memory, super::lab::sqlite_in_memory);
keeps_the_contract!(on_postgres, super::lab::postgres);
